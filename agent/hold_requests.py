"""How a command asks the running service to release a held medium, and what it is told."""

from pathlib import Path
from typing import Annotated

import msgspec

from agent.durable import read_whole, remove, write_durably
from agent.mailbox import Mailbox

_Word = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class EmergencyRelease(msgspec.Struct, frozen=True, kw_only=True):
    """`medium` is a node, serial number or key; `actor` the account that asks, `name` and
    `reason` what that person gave.
    """

    medium: _Word
    actor: _Word
    name: _Word
    reason: _Sentence


def hold_requests(state: Path) -> Mailbox[EmergencyRelease]:
    return Mailbox(state / "release-media", EmergencyRelease)


def answer(path: Path, word: str) -> None:
    """`word` is what the command says: the media that were released, or why none.  Raises
    OSError.
    """
    write_durably(path.with_suffix(".answer"), word.encode())
    remove(path)


def answered(path: Path) -> str | None:
    """The service's word about this request, once; None before.  Raises OSError."""
    told = path.with_suffix(".answer")
    word = read_whole(told)
    if word is None:
        return None
    remove(told)
    return word.decode("utf-8", "replace")
