"""The agent about itself, and the collector about agents it no longer hears."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Count, Fact, Micros, Number, ShortText


class SensorHealth(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`off` may not look (no root, no kernel feature, switched off); `failed` tried
    and broke, and will be tried again.
    """

    name: ShortText
    state: Literal["ok", "degraded", "failed", "off"]
    reason: str = ""
    since_us: Micros = 0


class AgentHealth(Fact, frozen=True, kw_only=True, tag="agent_health"):
    """The heartbeat.  Sizes in bytes, CPU in seconds since start."""

    state: ClassVar[bool] = True

    version: ShortText
    policy_version: Number
    sensors: tuple[SensorHealth, ...]
    spool_bytes: Number = 0
    spool_limit: Number = 0
    spool_waiting: Number = 0
    dropped: Number = 0
    rss_bytes: Number = 0
    cpu_seconds: float = 0.0
    uptime_us: Number = 0
    users: tuple[str, ...] = ()


class AgentStarted(Fact, frozen=True, kw_only=True, tag="agent_started"):
    """`previous_end`: how the last run ended: `first` (there was none), `goodbye`
    (it said so), `reboot` (without a word, but the boot id changed), `killed`
    (without a word in this same boot).  `changed` names what is not as the last run
    left it: `binary`, `policy`, `configuration`.  `traced_by` is the debugger's
    executable, empty without one.
    """

    version: ShortText
    host: str
    system: str
    machine: str
    previous_end: Literal["first", "goodbye", "reboot", "killed"]
    previous_seen_us: Micros = 0
    changed: tuple[str, ...] = ()
    traced_by: str = ""


class AgentStopping(Fact, frozen=True, kw_only=True, tag="agent_stopping"):
    """The signed goodbye.  `shutdown` and `upgrade` are planned; `stopped` is
    somebody's act; `suspend` announces sleep; `removed` an uninstallation.
    """

    reason: Literal["shutdown", "suspend", "upgrade", "stopped", "removed"]


class AgentTampered(Fact, frozen=True, kw_only=True, tag="agent_tampered"):
    """Something of the running agent was changed or is watched: `debugged`,
    `binary`, `policy`, `configuration`.
    """

    what: Literal["debugged", "binary", "policy", "configuration"]
    detail: str = ""


class SensorGap(Fact, frozen=True, kw_only=True, tag="sensor_gap"):
    """For this span the sensor may have missed something.

    `cause`: `overrun` (the kernel dropped, `lost` counts what is known of it),
    `failed`, `asleep`, `stopped`, `spool_full` (`lost` observations were dropped).
    """

    sensor: ShortText
    cause: Literal["overrun", "failed", "asleep", "stopped", "spool_full"]
    from_us: Micros
    to_us: Micros
    lost: Count = 0
    detail: str = ""


class EndpointSilent(Fact, frozen=True, kw_only=True, tag="endpoint_silent"):
    """Said by the collector, never by an agent: nothing was heard from an endpoint
    for more than the policy's patience.  `witnesses` saw its address alive since;
    `announced` tells that it had said goodbye.
    """

    endpoint: str
    last_heard_us: Micros
    silent_for_us: Number
    announced: str = ""
    witnesses: tuple[str, ...] = ()
