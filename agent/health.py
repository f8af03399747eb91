"""What the agent says about itself: the heartbeat, and the status file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from agent.durable import read_whole, replace
from agent.spool import SpoolFill
from agent.uplink import UplinkHealth, UplinkState
from checks.facts.health import AgentHealth, SensorHealth

STATUS_FILE = "status.json"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `wardwatch-agent status` shows.  Times are wall clock microseconds, coverage
    the share of the time since the start that a sensor watched (0 to 1).
    """

    version: str
    agent: str
    collector: str
    pid: int
    written_us: int
    started_us: int
    policy_version: int
    sensors: tuple[SensorHealth, ...]
    coverage: Mapping[str, float]
    spool: SpoolFill
    uplink: UplinkHealth


class Load(msgspec.Struct, frozen=True, kw_only=True):
    rss_bytes: int
    cpu_seconds: float
    users: tuple[str, ...]


def heartbeat(status: Status, load: Load) -> AgentHealth:
    return AgentHealth(
        version=status.version,
        policy_version=status.policy_version,
        sensors=status.sensors,
        spool_bytes=status.spool.bytes,
        spool_limit=status.spool.limit,
        spool_waiting=status.spool.waiting,
        dropped=status.spool.dropped,
        rss_bytes=load.rss_bytes,
        cpu_seconds=load.cpu_seconds,
        uptime_us=status.written_us - status.started_us,
        users=load.users,
    )


def own_parts(uplink: UplinkHealth, spool_trouble: str, since_us: int) -> Sequence[SensorHealth]:
    """Spool and uplink beside the sensors, when they are not well: what cannot be kept
    or sent is as blind as what cannot be seen.
    """
    parts = []
    if spool_trouble:
        parts.append(
            SensorHealth(name="spool", state="failed", reason=spool_trouble, since_us=since_us)
        )
    if uplink.state is not UplinkState.SENDING:
        waits = uplink.state is UplinkState.WAITING
        parts.append(
            SensorHealth(
                name="uplink",
                state="degraded" if waits else "failed",
                reason=f"{uplink.state.value}: {uplink.reason}",
                since_us=since_us,
            )
        )
    return parts


def write_status(path: Path, status: Status) -> None:
    replace(path, msgspec.json.encode(status))


def read_status(path: Path) -> Status | None:
    """None when no agent has written one.

    Raises:
        OSError: it cannot be read.
        msgspec.DecodeError: it is of another version.
    """
    content = read_whole(path)
    return None if content is None else msgspec.json.decode(content, type=Status)
