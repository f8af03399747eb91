"""How a command asks the running service to undo cuts: one file per request."""

import contextlib
from pathlib import Path
from typing import Annotated

import msgspec

from agent.durable import make_private_folder, read_whole, remove, write_durably
from agent.records import spoken

FOLDER = "release"
LOCK = "containment.lock"
"""Held by whoever may cut and undo: the service, or the command while no service runs."""
_ENDING = ".json"
_MOST = 64

_Word = Annotated[str, msgspec.Meta(max_length=64)]


class ReleaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`interface` is empty for every link; `actor` the account that asks, or `removal`."""

    interface: _Word
    actor: _Word


def ask(state: Path, request: ReleaseRequest, *, name: str) -> Path:
    """The request's file; it is gone when the service has done it.  Raises OSError."""
    make_private_folder(state / FOLDER)
    path = state / FOLDER / f"{name}{_ENDING}"
    write_durably(path, msgspec.json.encode(request))
    return path


def waiting(state: Path) -> list[tuple[Path, ReleaseRequest | None]]:
    """Requests with their files; None is one that nobody can read.  Raises OSError."""
    paths = sorted((state / FOLDER).glob(f"[!.]*{_ENDING}"))[:_MOST]
    return [(path, _read(path)) for path in paths]


def answered(path: Path) -> None:
    """Raises OSError."""
    remove(path)


def _read(path: Path) -> ReleaseRequest | None:
    content = read_whole(path)
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        found = msgspec.json.decode(content or b"", type=ReleaseRequest)
        return ReleaseRequest(interface=found.interface, actor=spoken(found.actor))
    return None
