"""How a command asks the running service to release a held medium: one file per request."""

import contextlib
from pathlib import Path
from typing import Annotated

import msgspec

from agent.durable import make_private_folder, read_whole, remove, write_durably
from agent.records import spoken

FOLDER = "release-media"
_ENDING = ".json"
_MOST = 64

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


def ask(state: Path, request: EmergencyRelease, *, name: str) -> Path:
    """The request's file; it is gone when the service has answered it.  Raises OSError."""
    make_private_folder(state / FOLDER)
    path = state / FOLDER / f"{name}{_ENDING}"
    write_durably(path, msgspec.json.encode(request))
    return path


def waiting(state: Path) -> list[tuple[Path, EmergencyRelease | None]]:
    """Requests with their files; None is one that nobody can read.  Raises OSError."""
    paths = sorted((state / FOLDER).glob(f"[!.]*{_ENDING}"))[:_MOST]
    return [(path, _read(path)) for path in paths]


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


def withdraw(path: Path) -> None:
    """Raises OSError."""
    remove(path)


def _read(path: Path) -> EmergencyRelease | None:
    content = read_whole(path)
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        found = msgspec.json.decode(content or b"", type=EmergencyRelease)
        return EmergencyRelease(
            medium=spoken(found.medium),
            actor=spoken(found.actor),
            name=spoken(found.name),
            reason=spoken(found.reason),
        )
    return None
