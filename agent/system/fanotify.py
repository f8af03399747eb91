"""File accesses on one mounted file system, from fanotify(7).

One group per file system, so that a full queue of one stick drops nothing of another
and the group's descriptor says which medium it is about.  The whole file system is
marked (FAN_MARK_FILESYSTEM): access through other mounts of it and from other mount
namespaces counts.  Events name files by parent handle and name (FAN_REPORT_DFID_NAME,
Linux 5.9): unlike events with an open descriptor they do not keep a file system busy,
so nobody's umount fails because of us.  File systems without handles (FUSE before
Linux 6.6) get descriptors, held only while an event is read.

What cannot be seen: what is opened and closed again between mount(2) and the mark,
memory maps that are read after their file was opened, raw reads and writes of the block device,
and new names of files on file systems without handles.
"""

import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from agent.system.kernel import (
    FileState,
    fanotify_init,
    fanotify_mark,
    known_state,
    link_target,
    open_by_handle,
)
from agent.system.mount_roots import open_to_mark
from agent.system.mounts import Mount

Operation = Literal["open", "execute", "write"]

_CLOEXEC, _NONBLOCK, _REPORT_DFID_NAME = 0x1, 0x2, 0x400 | 0x800  # linux/fanotify.h
_MARK_ADD, _MARK_FILESYSTEM = 0x1, 0x100
_MODIFY, _CLOSE_WRITE, _OPEN, _OPEN_EXEC, _OVERFLOW = 0x2, 0x8, 0x20, 0x1000, 0x4000
_MOVED_FROM, _MOVED_TO, _CREATE, _ONDIR = 0x40, 0x80, 0x100, 0x40000000
_ARRIVED: Final = _MOVED_TO | _CREATE
_MASK: Final = _OPEN | _OPEN_EXEC | _MODIFY | _CLOSE_WRITE
_NAMES_TOO: Final = _MASK | _MOVED_FROM | _ARRIVED | _ONDIR
"""Where events name files: with what a file was called before and is called after, and where
files and folders come to."""
_EVENT = struct.Struct("=IBBHQii")  # struct fanotify_event_metadata
_INFO = struct.Struct("=BBH")  # struct fanotify_event_info_header
_HANDLE = struct.Struct("=8sIi")  # fsid, handle_bytes, handle_type
_INFO_DFID_NAME = 2
_NO_FD = -1
_VERSION = 3
_READ_SIZE = 1 << 16
_COARSEST_TIME_NS = 3 * 10**9
"""Nanoseconds by which a time that a file system keeps may be early: FAT counts in twos."""


class FileAccess(msgspec.Struct, frozen=True, kw_only=True):
    """`pid` is 0 for a process outside our pid namespace.  `path` is relative to the
    mount where that could be told, else the name alone.

    `written` says that the content changed, which it does not for all that are open for writing,
    `closed` that the writer was done.  A renaming comes as two, by the same process: the file's
    old name with `moved` `from`, at once followed by its new one with `to`.  `size` in bytes is
    of what was written or renamed, when that was read; -1 where nobody could look any more.
    `arrived` says that a file or folder stands where it did not: made, linked or renamed.  Of
    folders nothing else is told.
    """

    operations: tuple[Operation, ...]
    pid: int
    path: bytes
    written: bool = False
    closed: bool = False
    size: int = -1
    moved: Literal["", "from", "to"] = ""
    arrived: bool = False

    @property
    def changes(self) -> bool:
        """Whether a scan that went on meanwhile may have missed something."""
        return self.arrived or "write" in self.operations


class Overflow(msgspec.Struct, frozen=True):
    """The kernel's queue was full: accesses were dropped, nobody knows how many."""


class AccessWatch:
    """The marked file system of one mount."""

    def __init__(self, group: int, mount: Mount, device: int) -> None:
        """`device` is the st_dev of what is marked; names that those see who live in the mount's
        own namespace are below its point.
        """
        self._group = group
        self._root = mount.path
        self._device = device
        self._point = os.fsencode(mount.point.rstrip("/"))
        self._since_ns = time.time_ns() - _COARSEST_TIME_NS

    def fileno(self) -> int:
        return self._group

    def accesses(self, *, leave_out: frozenset[int]) -> Iterator[FileAccess | Overflow]:
        """Drains what came, but what the processes `leave_out` did."""
        while True:
            try:
                events = os.read(self._group, _READ_SIZE)
            except BlockingIOError:
                return
            yield from self._parsed(events, leave_out)

    def is_marked(self) -> bool:
        """Whether the file system is still in use by anybody, mounted where we see it or not:
        its mark goes with it (proc_pid_fdinfo(5)).
        """
        told = Path(f"/proc/self/fdinfo/{self._group}").read_text("ascii")
        return any(line.startswith("fanotify sdev:") for line in told.splitlines())

    def close(self) -> None:
        if self._group >= 0:
            os.close(self._group)
        self._group = -1

    def _parsed(self, events: bytes, leave_out: frozenset[int]) -> Iterator[FileAccess | Overflow]:
        offset = 0
        while offset + _EVENT.size <= len(events):
            length, version, _, header, mask, descriptor, pid = _EVENT.unpack_from(events, offset)
            if version != _VERSION:
                raise OSError(f"fanotify speaks version {version}, not {_VERSION}")
            info = events[offset + header : offset + length]
            offset += length
            if mask & _OVERFLOW:
                yield Overflow()
                continue
            wanted = pid not in leave_out
            if mask & _ONDIR:
                if wanted and mask & _ARRIVED:
                    yield FileAccess(operations=(), pid=pid, path=b"", arrived=True)
                continue
            path, now = self._looked_at(info, descriptor, mask, wanted=wanted)
            if wanted:
                yield FileAccess(
                    operations=operations_of(mask),
                    pid=pid,
                    path=path,
                    written=self._is_written(mask, now),
                    closed=bool(mask & _CLOSE_WRITE),
                    size=now.size if now else -1,
                    moved=_moved(mask),
                    arrived=bool(mask & _ARRIVED),
                )

    def _looked_at(
        self, info: bytes, descriptor: int, mask: int, *, wanted: bool
    ) -> tuple[bytes, FileState | None]:
        """The path, and of a file that was written or renamed what it is now."""
        if descriptor != _NO_FD:
            try:
                path = self._below_mount(link_target(f"/proc/self/fd/{descriptor}"))
                return path, _size_now(descriptor, b"", mask)
            finally:
                os.close(descriptor)
        return self._named(info, mask) if wanted else (b"", None)

    def _is_written(self, mask: int, now: FileState | None) -> bool:
        """Many open a file for writing and only read it; maps of memory are written without
        MODIFY, so the time of the last change decides as well.
        """
        changed = now is not None and now.modified_ns >= self._since_ns
        return bool(mask & _MODIFY) or (bool(mask & _CLOSE_WRITE) and changed)

    def _named(self, info: bytes, mask: int) -> tuple[bytes, FileState | None]:
        """By parent handle and name; the name alone where the parent is gone."""
        kind, _, length = _INFO.unpack_from(info)
        if kind != _INFO_DFID_NAME:
            return b"", None
        _, size, handle_type = _HANDLE.unpack_from(info, _INFO.size)
        start = _INFO.size + _HANDLE.size
        handle = info[start : start + size]
        name = info[start + size : length].split(b"\0", 1)[0]
        try:
            folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return name, None
        try:
            if os.fstat(folder).st_dev != self._device:
                return name, None  # unmounted, or another mount lies over it
            parent = open_by_handle(folder, handle_type, handle)
        except OSError:
            return name, None
        finally:
            os.close(folder)
        try:
            path = _joined(self._below_mount(link_target(f"/proc/self/fd/{parent}")), name)
            return path, _size_now(parent, name, mask)
        finally:
            os.close(parent)

    def _below_mount(self, path: bytes) -> bytes:
        return path.removeprefix(self._point).lstrip(b"/")


def watch(mount: Mount, number: int) -> AccessWatch:
    """Marks the file system (`number` is the dev_t of its block device) that is mounted there.

    Raises:
        OSError: EPERM without CAP_SYS_ADMIN, ENODEV or EOPNOTSUPP where the file
            system cannot be watched.
    """
    folder = open_to_mark(mount, number)
    try:
        return AccessWatch(_marked(folder, by_handle=True), mount, os.fstat(folder).st_dev)
    except OSError as unable:
        if isinstance(unable, PermissionError):
            raise
        return AccessWatch(_marked(folder, by_handle=False), mount, os.fstat(folder).st_dev)
    finally:
        os.close(folder)


def operations_of(mask: int) -> tuple[Operation, ...]:
    """An execution is also an open; a change is told by MODIFY and by CLOSE_WRITE."""
    found: list[Operation] = []
    if mask & _OPEN_EXEC:
        found.append("execute")
    elif mask & _OPEN:
        found.append("open")
    if mask & (_MODIFY | _CLOSE_WRITE):
        found.append("write")
    return tuple(found)


def _moved(mask: int) -> Literal["", "from", "to"]:
    if mask & _MOVED_FROM:
        return "from"
    return "to" if mask & _MOVED_TO else ""


def _size_now(folder: int, name: bytes, mask: int) -> FileState | None:
    """Of a file that was written or renamed; None when it is gone."""
    if not mask & (_MODIFY | _CLOSE_WRITE | _MOVED_TO):
        return None
    try:
        return known_state(folder, name)
    except OSError:
        return None


def _joined(folder: bytes, name: bytes) -> bytes:
    return folder + b"/" + name if folder else name


def _marked(folder: int, *, by_handle: bool) -> int:
    report = _REPORT_DFID_NAME if by_handle else 0
    group = fanotify_init(_CLOEXEC | _NONBLOCK | report, os.O_RDONLY | os.O_LARGEFILE)
    try:
        mask = _NAMES_TOO if by_handle else _MASK
        fanotify_mark(group, _MARK_ADD | _MARK_FILESYSTEM, mask, folder)
    except OSError:
        os.close(group)
        raise
    return group
