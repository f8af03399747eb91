"""How a command that opens the quarantine leaves word of it: one file per act, which the service
tells of and removes.  While no service runs they wait for its next start.
"""

import secrets
from collections.abc import Container
from pathlib import Path

import msgspec

from agent.durable import make_private_folder, read_whole, remove, write_durably
from agent.records import speakable
from checks.facts.quarantine import QuarantineOpened

FOLDER = "quarantine-acts"
_ENDING = ".json"
_AT_ONCE = 64


def leave(state: Path, act: QuarantineOpened) -> None:
    """On disk when this returns.  Raises OSError."""
    make_private_folder(state / FOLDER)
    path = state / FOLDER / f"{secrets.token_hex(8)}{_ENDING}"
    write_durably(path, msgspec.json.encode(speakable(act)))


def read_acts(
    state: Path, known: Container[Path] = ()
) -> list[tuple[Path, QuarantineOpened | None]]:
    """With their files, but for those that are known; None is one that nobody can read.

    Raises:
        OSError: the folder or a file cannot be read.
    """
    paths = sorted(path for path in (state / FOLDER).glob(f"[!.]*{_ENDING}") if path not in known)
    return [(path, _read(path)) for path in paths[:_AT_ONCE]]


def remove_act(path: Path) -> None:
    """Raises OSError."""
    remove(path)


def _read(path: Path) -> QuarantineOpened | None:
    try:
        return msgspec.json.decode(read_whole(path) or b"", type=QuarantineOpened)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
