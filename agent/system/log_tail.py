"""Follows log files to their ends, across rotation, truncation and restarts."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from agent.durable import make_private_folder, move_aside, read_whole, write_durably

READ_MOST = 1 << 20
"""Octets of one file at one look."""
BEHIND_MOST = 16 << 20
"""What is further behind is passed over, and counted."""
_LINE_MOST = 64 << 10
_FILES_KEPT = 16
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_Octets = Annotated[int, msgspec.Meta(ge=0)]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Up to where a file was read, and which file that was; `inode` 0 is one to come."""

    device: int = 0
    inode: int = 0
    offset: _Octets = 0


class Places(msgspec.Struct, frozen=True, kw_only=True):
    by_path: Annotated[dict[str, Place], msgspec.Meta(max_length=_FILES_KEPT)] = {}


class Unremembered(Exception):
    """The memory could not be understood and begins anew; the message says why."""


class LogTail:
    """A file that was never seen is read from where it ends now: what it held before is none of
    ours.  One that was not there at an earlier look is read whole.
    """

    def __init__(self, memory: Path | None) -> None:
        """Raises Unremembered, with the file set aside, and OSError."""
        self._memory = memory
        self._places: dict[str, Place] = dict(_loaded(memory).by_path) if memory else {}
        self._kept: Mapping[str, Place] = dict(self._places)
        self.lost = 0

    def lines(self, path: str) -> Iterator[str]:
        """What was written since the last look, whole lines; at most READ_MOST octets."""
        place = self._places.get(path)
        opened = _opened(path)
        if opened is None:
            if place is None:
                self._remember(path, Place())
            return
        try:
            now = os.fstat(opened)
            current = Place(device=now.st_dev, inode=now.st_ino)
            if place is None:
                self._remember(path, msgspec.structs.replace(current, offset=now.st_size))
                return
            if place.inode and (place.device, place.inode) != (now.st_dev, now.st_ino):
                yield from self._rest_of_rotated(path, place)
                place = current
            elif not place.inode or now.st_size < place.offset:
                place = current
            yield from self._read(opened, path, place, now.st_size)
        finally:
            os.close(opened)

    def keep(self) -> None:
        """On disk; what was read before is not told again.  Raises OSError."""
        if self._places != self._kept and self._memory:
            make_private_folder(self._memory.parent)
            write_durably(self._memory, msgspec.json.encode(Places(by_path=self._places)))
        self._kept = dict(self._places)

    def _read(self, opened: int, path: str, place: Place, size: int) -> Iterator[str]:
        offset = place.offset
        if size - offset > BEHIND_MOST:
            self.lost += size - BEHIND_MOST - offset
            offset = size - BEHIND_MOST
        octets = os.pread(opened, min(READ_MOST, max(0, size - offset)), offset)
        whole = octets.rfind(b"\n") + 1
        if not whole and len(octets) >= _LINE_MOST:
            whole = len(octets)
        self._remember(path, msgspec.structs.replace(place, offset=offset + whole))
        yield from octets[:whole].decode("utf-8", "replace").splitlines()

    def _rest_of_rotated(self, path: str, place: Place) -> Iterator[str]:
        """What was still written before the file got its new name; logrotate(8) leaves it
        beside the new one.
        """
        for beside in Path(path).parent.glob(f"{Path(path).name}?*"):
            opened = _opened(str(beside))
            if opened is None:
                continue
            try:
                found = os.fstat(opened)
                if (found.st_dev, found.st_ino) == (place.device, place.inode):
                    rest = os.pread(opened, READ_MOST, place.offset)
                    yield from rest.decode("utf-8", "replace").splitlines()
                    return
            finally:
                os.close(opened)

    def _remember(self, path: str, place: Place) -> None:
        if path in self._places or len(self._places) < _FILES_KEPT:
            self._places[path] = place


def _opened(path: str) -> int | None:
    """None for what is not there, may not be read or is no regular file."""
    try:
        opened = os.open(path, _FLAGS)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(opened).st_mode):
        return opened
    os.close(opened)
    return None


def _loaded(memory: Path) -> Places:
    content = read_whole(memory)
    try:
        return Places() if content is None else msgspec.json.decode(content, type=Places)
    except msgspec.DecodeError as broken:
        move_aside(memory, ".broken")
        raise Unremembered(str(broken)) from broken
