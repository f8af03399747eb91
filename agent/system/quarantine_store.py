"""The quarantine: a folder in which contents lie that nobody shall run, named by their SHA-256.

Each content is kept once, as `quarantine_content` writes it; `<SHA-256>.json` beside it says where
it lay.  Nothing is ever dropped to make room: what does not fit is not taken.
"""

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from agent.durable import make_private_folder, read_whole, remove, sync_folder, write_durably
from agent.media.quarantine import Origin
from agent.system.quarantine_content import (
    FIRST_LINE,
    compare,
    is_intact,
    write_masked,
    write_unmasked,
)

FOLDER = "quarantine"
"""The folder's name in the state folder."""
_READ_ONLY = 0o400
_NAME = re.compile(r"[0-9a-f]{64}")
_TAKING = ".taking"
_ORIGINS_MOST = 1000
"""Places of one content; the first ones and the last are kept."""
_RECORD_ROOM = 4096
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class QuarantineFull(Exception):
    """There is no room for it, by the bounds or on the disk."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """Octets: all that the quarantine may take, and what it leaves free on the disk for the
    agent's own reports.
    """

    most: int
    keep_free: int


NO_ROOM = Room(most=0, keep_free=0)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A content; `origins` are where it lay, the oldest first."""

    sha256: str
    size: int
    origins: tuple[Origin, ...] = ()


class QuarantineStore:
    """May be read by a command while the service adds to it.  All methods raise OSError."""

    def __init__(self, state: Path, room: Room) -> None:
        self._folder = state / FOLDER
        self._room = room

    def tidy(self) -> None:
        """Removes what a move that was broken off left here; its file is on the medium still."""
        for left in (*self._folder.glob(f".*{_TAKING}"), *self._folder.glob(".*.json.new")):
            left.unlink(missing_ok=True)
        names = {path.name for path in self._entries()}
        for name in names:
            if (_NAME.fullmatch(name) and f"{name}.json" not in names) or (
                name.endswith(".json") and name.removesuffix(".json") not in names
            ):
                (self._folder / name).unlink(missing_ok=True)

    def take(self, descriptor: int, sha256: str, origin: Origin, still: Callable[[], bool]) -> None:
        """Copies the open file; on disk and read again when this returns.  `still` is asked
        between chunks.

        Raises:
            QuarantineFull, Interrupted
            ContentChanged: the file is not what its SHA-256 says.
        """
        make_private_folder(self._folder)
        content = self._folder / sha256
        if content.exists() and is_intact(content, sha256):
            compare(descriptor, sha256, still)
        else:
            self._check_room(os.fstat(descriptor).st_size)
            self._copy(descriptor, content, still)
        try:
            self._note(sha256, origin)
        except OSError as unable:
            self.tidy()
            raise _meant(unable) from unable

    def forget(self, sha256: str, origin: Origin) -> None:
        """As if it had not been taken from there: it could not be taken away."""
        known = self._known(sha256)
        rest = [one for one in known.origins if not one.is_same_as(origin)]
        if rest:
            self._write(msgspec.structs.replace(known, origins=tuple(rest)))
        else:
            self.delete(sha256)

    def all(self) -> Iterator[Kept]:
        for content in sorted(self._contents()):
            with contextlib.suppress(FileNotFoundError):  # deleted in between
                yield self._known(content.name)

    def named(self, beginning: str) -> tuple[Kept, ...]:
        """Those whose SHA-256 begins so."""
        return tuple(one for one in self.all() if one.sha256.startswith(beginning))

    def restore(self, sha256: str, target: Path) -> None:
        """Writes the content as it was to a new file that only its owner reads; it stays here, too.

        Raises:
            FileExistsError: `target` is there already; it is as it was.
            ContentChanged: the content here is damaged; nothing is left at `target`.
        """
        descriptor = os.open(target, _NEW, 0o600)
        try:
            write_unmasked(self._folder / sha256, descriptor, sha256)
            os.fsync(descriptor)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)

    def delete(self, sha256: str) -> None:
        """For good; the record last, so that what is left can be named."""
        remove(self._folder / sha256)
        remove(self._record(sha256))

    def _contents(self) -> Iterator[Path]:
        for path in self._entries():
            if _NAME.fullmatch(path.name):
                yield path

    def _entries(self) -> Iterable[Path]:
        with contextlib.suppress(FileNotFoundError):
            return list(self._folder.iterdir())
        return ()

    def _record(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.json"

    def _known(self, sha256: str) -> Kept:
        """What cannot be read of a record is not known; the content is there all the same."""
        with contextlib.suppress(msgspec.DecodeError):
            body = read_whole(self._record(sha256))
            if body is not None:
                return msgspec.json.decode(body, type=Kept)
        size = (self._folder / sha256).stat().st_size - len(FIRST_LINE)
        return Kept(sha256=sha256, size=size)

    def _note(self, sha256: str, origin: Origin) -> None:
        known = self._known(sha256)
        others = [one for one in known.origins if not one.is_same_as(origin)]
        origins = (*others[: _ORIGINS_MOST - 1], origin)
        self._write(msgspec.structs.replace(known, origins=origins))

    def _write(self, kept: Kept) -> None:
        write_durably(self._record(kept.sha256), msgspec.json.encode(kept), mode=_READ_ONLY)

    def _check_room(self, size: int) -> None:
        """Raises QuarantineFull."""
        needed = size + len(FIRST_LINE) + _RECORD_ROOM
        taken = sum(path.stat().st_size for path in self._entries() if path.is_file())
        disk = os.statvfs(self._folder)
        if taken + needed > self._room.most:
            raise QuarantineFull(f"{taken} of {self._room.most} octets are taken")
        if disk.f_bavail * disk.f_frsize < needed + self._room.keep_free:
            raise QuarantineFull("the disk is nearly full")

    def _copy(self, descriptor: int, content: Path, still: Callable[[], bool]) -> None:
        """Under its name only when all of it is on disk and right."""
        fresh = content.with_name(f".{content.name}{_TAKING}")
        fresh.unlink(missing_ok=True)
        try:
            target = os.open(fresh, _NEW, _READ_ONLY)
            try:
                write_masked(descriptor, target, content.name, still)
                os.fsync(target)
                os.posix_fadvise(target, 0, 0, os.POSIX_FADV_DONTNEED)  # read what the disk holds
            finally:
                os.close(target)
            self._check_written(fresh, content.name)
            fresh.rename(content)
            sync_folder(self._folder)
        except OSError as unable:
            raise _meant(unable) from unable
        finally:
            fresh.unlink(missing_ok=True)

    def _check_written(self, fresh: Path, sha256: str) -> None:
        """Raises OSError where the disk does not hold what it was given."""
        if not is_intact(fresh, sha256):
            raise OSError(errno.EIO, "what was written reads otherwise")


def _meant(unable: OSError) -> Exception:
    """What went wrong, in the words of the quarantine."""
    return QuarantineFull(unable.strerror) if unable.errno in _FULL else unable
