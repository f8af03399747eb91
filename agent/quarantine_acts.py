"""How a command that opens the quarantine leaves word of it, which the service tells of."""

from pathlib import Path

from agent.mailbox import Mailbox
from checks.facts.quarantine import QuarantineOpened


def quarantine_acts(state: Path) -> Mailbox[QuarantineOpened]:
    return Mailbox(state / "quarantine-acts", QuarantineOpened)
