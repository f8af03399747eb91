"""How a command asks the running service to undo cuts."""

from pathlib import Path
from typing import Annotated

import msgspec

from agent.mailbox import Mailbox

LOCK = "containment.lock"
"""Held by whoever may cut and undo: the service, or the command while no service runs."""

_Word = Annotated[str, msgspec.Meta(max_length=64)]


class ReleaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`interface` is empty for every link; `actor` the account that asks, or `removal`."""

    interface: _Word
    actor: _Word


def release_requests(state: Path) -> Mailbox[ReleaseRequest]:
    return Mailbox(state / "release", ReleaseRequest)
