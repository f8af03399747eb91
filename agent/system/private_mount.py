"""A file system of a medium mounted where nobody else finds it: fsopen(2), fsmount(2).

Attached to no folder and in no mount table; gone when its descriptor is closed.
"""

import ctypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.system.boot_area import node_of
from agent.system.bpf_kernel import FSCONFIG, FSMOUNT, FSOPEN
from agent.system.mounts import Mount

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_CLOSE_ON_EXEC = 1
_SET_FLAG, _SET_STRING, _CREATE = 0, 1, 6  # enum fsconfig_command
_READ_ONLY_AND_HARMLESS = 1 | 2 | 4 | 8  # MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC

_DRIVERS: Mapping[str, tuple[str, ...]] = {
    "vfat": ("vfat",),
    "exfat": ("exfat",),
    "ntfs": ("ntfs3", "ntfs"),
    **{name: (name,) for name in ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs")},
    **{name: (name,) for name in ("iso9660", "udf", "hfsplus", "squashfs", "erofs")},
}
"""Drivers of the kernel by libblkid's TYPE; `agent.system.fuse_mount` for one that is none."""
_FLAGS: Mapping[str, tuple[str, ...]] = {"vfat": ("utf8",)}
"""Else a name outside the code page is shown with `?` and cannot be opened."""
_STRINGS: Mapping[str, Mapping[str, bytes]] = {"btrfs": {"subvolid": b"5"}}
"""Else only the subvolume is seen that the medium calls its default."""


class Unmountable(Exception):
    """The kernel does not mount it; the message is the reason."""


class PrivateMount:
    """`root` is the descriptor of its uppermost folder."""

    def __init__(self, root: int) -> None:
        self.root = root

    def close(self) -> None:
        os.close(self.root)


def mount_privately(node: str, filesystem: str) -> PrivateMount:
    """The file system of a device, read-only, nosuid, nodev, noexec.

    A journal is replayed where the kernel does so for a read-only mount (ext4, xfs): what is
    scanned is what the user's mount would show.

    Raises:
        Unmountable: unknown, damaged, or the medium is gone.
    """
    refusals = [f"no driver for {filesystem or 'an unknown file system'}"]
    for driver in _DRIVERS.get(filesystem, ()):
        try:
            return PrivateMount(_mounted(node, driver, ("ro", *_FLAGS.get(driver, ()))))
        except OSError as refused:
            refusals.append(f"{driver}: {refused.strerror}")
    raise Unmountable(refusals[-1])


def mount_again(number: int, mount: Mount) -> int:
    """Descriptor of the root of a file system that is mounted already, for reading.

    Raises:
        OSError: the kernel has no driver of its own for it, or does not mount it.
    """
    # As the first mount has it: the kernel gives out no file system for both.
    flags = ("ro",) if "ro" in mount.super_options else ()
    return _mounted(node_of(number), mount.filesystem, flags)


def mount_id(descriptor: int) -> int:
    """`mnt_id` of proc_pid_fdinfo(5)."""
    with Path(f"/proc/self/fdinfo/{descriptor}").open(encoding="ascii") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith("mnt_id:")), 0)


def _mounted(node: str, driver: str, flags: Sequence[str]) -> int:
    context = _checked(_LIBC.syscall(FSOPEN, driver.encode(), _CLOSE_ON_EXEC))
    try:
        _configure(context, _SET_STRING, b"source", os.fsencode(node))
        for flag in flags:
            _configure(context, _SET_FLAG, flag.encode(), None)
        for name, text in _STRINGS.get(driver, {}).items():
            _configure(context, _SET_STRING, name.encode(), text)
        _configure(context, _CREATE, None, None)
        return _checked(_LIBC.syscall(FSMOUNT, context, _CLOSE_ON_EXEC, _READ_ONLY_AND_HARMLESS))
    finally:
        os.close(context)


def _configure(context: int, command: int, key: bytes | None, value: bytes | None) -> None:
    _checked(_LIBC.syscall(FSCONFIG, context, command, key, value, 0))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
