"""An uplink on a real spool and a real HTTPS connection, stepped by the test."""

from dataclasses import dataclass, field
from pathlib import Path

from agent.identity import IdentityFolder
from agent.policy_cache import PolicyCache
from agent.sealing import Sealer
from agent.spool import Spool
from agent.transport import Transport
from agent.uplink import Timing, Uplink
from checks.policy import PolicyDocument
from tests.support.recording_collector import RecordingCollector
from tests.support.spools import NOW, ROOMY


@dataclass
class Stage:
    """`jitter` answers with the whole limit, so that pauses can be compared."""

    spool: Spool
    uplink: Uplink
    policies: PolicyCache
    transport: Transport
    told: list[PolicyDocument] = field(default_factory=list)
    monotonic: float = 0.0


def set_stage(state: Path, collector: RecordingCollector) -> Stage:
    collector.enrol_directly(state)
    identity = IdentityFolder(state).load()
    policies = PolicyCache(state / "policy.json", identity, identity.agent)
    sealer = Sealer(
        agent=identity.agent, machine="machine-1", sign=identity.sign, clock=lambda: NOW.at_us
    )
    spool = Spool(
        state / "spool.db", boot="boot-1", sealer=sealer, now=lambda: NOW, limit_bytes=ROOMY
    )
    transport = Transport(identity, timeout=2.0, clock=lambda: NOW.at_us)
    stage = Stage(spool, None, policies, transport)  # type: ignore[arg-type]  # set three lines below
    timing = Timing(
        clock=lambda: NOW.at_us, monotonic=lambda: stage.monotonic, jitter=lambda limit: limit
    )
    stage.uplink = Uplink(
        spool=spool,
        courier=transport,
        policies=policies,
        on_policy=stage.told.append,
        timing=timing,
    )
    return stage
