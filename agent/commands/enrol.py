"""`wardwatch-agent enrol`: makes the key, gets the identity."""

from pathlib import Path

from agent.config import ConfigError, Settings
from agent.enrol import EnrolmentRefused, Machine, enrol, read_token
from agent.identity import IdentityFolder, NotEnrolled
from agent.speech import complain, say
from agent.system import machine


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
    return 0
