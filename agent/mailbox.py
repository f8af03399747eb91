"""What commands leave for the service: a folder of the state folder's, one file for each word.

While no service runs they wait for its next start.
"""

import secrets
from collections.abc import Container
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from agent.durable import make_private_folder, read_whole, write_durably
from agent.records import speakable

_ENDING = ".json"
_AT_ONCE = 64

W = TypeVar("W", bound=msgspec.Struct)


class Mailbox(Generic[W]):
    def __init__(self, folder: Path, kind: type[W]) -> None:
        self.folder = folder
        self._kind = kind

    def open(self) -> Path:
        """The folder, which is there now and can be watched.  Raises OSError."""
        make_private_folder(self.folder)
        return self.folder

    def put(self, word: W) -> Path:
        """The word's file, on disk when this returns; who has dealt with it removes it.

        Raises:
            OSError: it cannot be written.
            msgspec.ValidationError: it is longer than such a word may be.
        """
        path = self.open() / f"{secrets.token_hex(8)}{_ENDING}"
        write_durably(path, msgspec.json.encode(speakable(word)))
        return path

    def waiting(self, known: Container[Path] = ()) -> list[tuple[Path, W | None]]:
        """Words with their files, but for those that are known; None is one that nobody can read.

        Raises:
            OSError: the folder or a file cannot be read.
        """
        paths = sorted(path for path in self.folder.glob(f"[!.]*{_ENDING}") if path not in known)
        return [(path, self._read(path)) for path in paths[:_AT_ONCE]]

    def _read(self, path: Path) -> W | None:
        try:
            return speakable(msgspec.json.decode(read_whole(path) or b"", type=self._kind))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
