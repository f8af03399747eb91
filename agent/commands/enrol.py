"""`wardwatch-agent enrol`: makes the key, gets the identity."""

from pathlib import Path

from agent.config import ConfigError, Settings
from agent.enrol import EnrolmentRefused, Machine, enrol, read_token
from agent.identity import IdentityFolder, NotEnrolled
from agent.policy_cache import POLICY_FILE, PolicyCache, PolicyRefused
from agent.speech import complain, say
from agent.system import machine
from agent.transport import BatchRefused, Busy, Forked, NotBelieved, Transport, TransportDown


def run(settings: Settings, *, collector: str, token_file: Path, again: bool) -> int:
    if not collector:
        raise ConfigError("which collector? give --collector URL or set `collector`")
    here = Machine(
        host=machine.host_name(), machine=machine.machine_hash(), system=machine.system_name()
    )
    try:
        enrolment = enrol(
            IdentityFolder(settings.state),
            collector=collector,
            token=read_token(token_file),
            machine=here,
            again=again,
        )
    except (EnrolmentRefused, NotEnrolled, OSError) as refused:
        complain(f"not enrolled: {refused}")
        return 1
    say(f"enrolled as {enrolment.agent} at {enrolment.collector}")
    _fetch_policy(settings)
    return 0


def _fetch_policy(settings: Settings) -> None:
    """So that the first start knows what is inside; the service fetches it otherwise."""
    identity = IdentityFolder(settings.state).load()
    policies = PolicyCache(settings.state / POLICY_FILE, identity, identity.agent)
    transport = Transport(
        identity, timeout=settings.upload.timeout, clock=lambda: machine.now().at_us
    )
    try:
        signed = transport.fetch_policy("")
        if signed is not None:
            policies.store(signed)
    except (TransportDown, Busy, NotBelieved, Forked, BatchRefused, PolicyRefused, OSError) as late:
        complain(f"the policy will be fetched by the service: {late}")
    finally:
        transport.close()
