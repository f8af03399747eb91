"""Hears that files with certain names changed in certain folders: man 7 inotify."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_CHANGES = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_ONLY_FOLDERS = 0x01000000  # IN_ONLYDIR
_OVERFLOW = 0x4000
_EVENT = struct.Struct("=iIII")
_READ = 16 << 10


class FolderWatch:
    """Folders that do not exist are passed over; `watch` them again when they may."""

    def __init__(self) -> None:
        """Raises OSError, as when the user has no inotify instance left."""
        self._descriptor = _LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._descriptor < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        self._names: dict[int, frozenset[str]] = {}

    def fileno(self) -> int:
        return int(self._descriptor)

    def watch(self, folder: Path, names: Iterable[str] = ()) -> None:
        """Asks for changes of these names in this folder; none is all.  May be repeated."""
        number = _LIBC.inotify_add_watch(
            self._descriptor, os.fsencode(folder), _CHANGES | _ONLY_FOLDERS
        )
        if number >= 0:
            self._names[number] = frozenset(names)

    def drain(self) -> bool:
        """Whether anything that was asked for has changed since the last call."""
        changed = False
        while True:
            try:
                events = os.read(self._descriptor, _READ)
            except BlockingIOError:
                return changed
            changed |= any(self._concerns(*event) for event in _events(events))

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _concerns(self, number: int, mask: int, name: str) -> bool:
        wanted = self._names.get(number, frozenset())
        return bool(mask & _OVERFLOW) or (bool(mask & _CHANGES) and (not wanted or name in wanted))


def _events(octets: bytes) -> Iterable[tuple[int, int, str]]:
    place = 0
    while place + _EVENT.size <= len(octets):
        number, mask, _, length = _EVENT.unpack_from(octets, place)
        place += _EVENT.size
        name = octets[place : place + length].rstrip(b"\0")
        place += length
        yield number, mask, os.fsdecode(name)
