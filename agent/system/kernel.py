"""System calls that Python does not have: fanotify, open_tree, handles, statx, setfsuid, I/O priority.

Numbers are of asm-generic/unistd.h (aarch64, riscv, loongarch) and of x86-64's table;
calls since Linux 5.1 have the same number everywhere.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_LIBC.fanotify_mark.argtypes = [
    ctypes.c_int,
    ctypes.c_uint,
    ctypes.c_uint64,
    ctypes.c_int,
    ctypes.c_char_p,
]

_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_longlong]
_LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_LIBC.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]

_PROT_READ: Final = 1  # asm-generic/mman-common.h
_MAP_SHARED: Final = 1
_MAP_FAILED: Final = ctypes.c_void_p(-1).value
_OPEN_TREE: Final = 428
_IOPRIO_SET: Final = 251 if platform.machine() == "x86_64" else 30
_AT_FDCWD: Final = -100
_OPEN_TREE_CLONE: Final = 1  # linux/mount.h
_IOPRIO_WHO_PROCESS: Final = 1  # linux/ioprio.h; 0 as its id is the calling thread
_IOPRIO_IDLE: Final = 3 << 13
_AT_SYMLINK_NOFOLLOW: Final = 0x100  # linux/fcntl.h
_AT_EMPTY_PATH: Final = 0x1000
_AT_STATX_DONT_SYNC: Final = 0x4000
_STATX_MTIME: Final = 0x40  # linux/stat.h
_STATX_INO: Final = 0x100
_STATX_SIZE: Final = 0x200
_STATX: Final = struct.Struct("=32xQQ64xqI")  # stx_ino, stx_size; of stx_mtime tv_sec, tv_nsec
_STATX_MNT_ID: Final = 0x1000
_STATX_PLACE: Final = struct.Struct("=I28xQ96xIIQ")
"""stx_mask, stx_ino, stx_dev_major, stx_dev_minor, stx_mnt_id"""
_STATX_LENGTH: Final = 256
_NANOSECONDS: Final = 10**9


def fanotify_init(flags: int, event_flags: int) -> int:
    return _checked(_LIBC.fanotify_init(flags, event_flags))


def fanotify_mark(group: int, flags: int, mask: int, folder: int) -> None:
    """Marks what the open folder lies on: with a null path the kernel takes the folder."""
    _checked(_LIBC.fanotify_mark(group, flags, mask, folder, None))


def clone_mount(path: str) -> int:
    """Copies the mount at `path` privately, alone and attached nowhere: files read through it do
    not keep the original from being unmounted.  Needs CAP_SYS_ADMIN.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    call = _LIBC.syscall(
        ctypes.c_long(_OPEN_TREE),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.c_uint(flags),
    )
    return _checked(call)


class Place(msgspec.Struct, frozen=True):
    """A folder: `number` (st_ino) on `device` (st_dev), seen through the mount `mount` (its id, 0
    before Linux 5.8).
    """

    mount: int
    device: int
    number: int


def place_at(path: str) -> Place:
    """What is at `path`, looked at in one step and not opened, so that no mount is kept busy.

    Raises:
        OSError: nothing is.
    """
    record = ctypes.create_string_buffer(_STATX_LENGTH)
    wanted = ctypes.c_uint(_STATX_INO | _STATX_MNT_ID)
    _checked(_LIBC.statx(_AT_FDCWD, os.fsencode(path), 0, wanted, record))
    told, number, major, minor, mount = _STATX_PLACE.unpack_from(record)
    return Place(mount if told & _STATX_MNT_ID else 0, os.makedev(major, minor), number)


def open_by_handle(folder: int, handle_type: int, handle: bytes) -> int:
    """Opens (O_PATH) what fanotify names by a file handle: open_by_handle_at(2)."""
    record = ctypes.create_string_buffer(
        len(handle).to_bytes(4, "little") + handle_type.to_bytes(4, "little", signed=True) + handle
    )
    return _checked(_LIBC.open_by_handle_at(folder, record, ctypes.c_int(os.O_PATH | os.O_CLOEXEC)))


class FileState(msgspec.Struct, frozen=True):
    """A file as the kernel told of it: `modified_ns` since the epoch.  `number` (st_ino) may be
    another one later on FAT and its kin, which give it when they look a name up.
    """

    number: int = 0
    size: int = 0
    modified_ns: int = 0


def known_state(folder: int, name: bytes) -> FileState:
    """Of a file by the open folder it lies in, or with an empty name of the open file itself:
    statx(2) with what the kernel knows already, so no file system that hangs is asked.

    Raises:
        OSError: it is gone.
    """
    flags = _AT_EMPTY_PATH | _AT_SYMLINK_NOFOLLOW | _AT_STATX_DONT_SYNC
    record = ctypes.create_string_buffer(_STATX_LENGTH)
    wanted = ctypes.c_uint(_STATX_INO | _STATX_SIZE | _STATX_MTIME)
    _checked(_LIBC.statx(folder, name, flags, wanted, record))
    number, size, seconds, nanoseconds = _STATX.unpack_from(record)
    return FileState(number, size, seconds * _NANOSECONDS + nanoseconds)


def any_page_in_memory(descriptor: int, length: int) -> bool:
    """Whether a page of the file's first `length` bytes is in the page cache; looking
    brings none there.  False where the kernel does not say: mincore(2) tells only who
    could write the file, or owns it, or has CAP_FOWNER.
    """
    address = _LIBC.mmap(None, length, _PROT_READ, _MAP_SHARED, descriptor, 0)
    if address == _MAP_FAILED:
        return False
    pages = ctypes.create_string_buffer(-(-length // os.sysconf("SC_PAGE_SIZE")))
    told = _LIBC.mincore(address, length, pages) == 0
    _LIBC.munmap(address, length)
    return told and any(page & 1 for page in pages.raw)


def read_at_idle_priority() -> None:
    """Lets everyone else's disk reads go before this thread's; silently as before where the
    kernel has no I/O priorities.
    """
    _LIBC.syscall(
        ctypes.c_long(_IOPRIO_SET),
        ctypes.c_int(_IOPRIO_WHO_PROCESS),
        ctypes.c_int(0),
        ctypes.c_int(_IOPRIO_IDLE),
    )


@contextmanager
def touching_files_as(user: int, group: int) -> Iterator[None]:
    """Files are touched by this thread as these ids, setfsuid(2); where they are refused, as
    before: the call does not say so, the files do.
    """
    _LIBC.setfsgid(ctypes.c_uint(group))
    _LIBC.setfsuid(ctypes.c_uint(user))
    try:
        yield
    finally:
        _LIBC.setfsuid(ctypes.c_uint(os.geteuid()))
        _LIBC.setfsgid(ctypes.c_uint(os.getegid()))


def link_target(path: str) -> bytes:
    """Where a symbolic link leads, as the kernel's bytes: names need not be UTF-8."""
    return os.readlink(os.fsencode(path))  # noqa: PTH115 - Path has no bytes


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
