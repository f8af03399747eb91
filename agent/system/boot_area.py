"""What lies on a medium before its files: boot code and partition table.

Of the whole disk the first 34 sectors of 512 octets (the MBR, and the GPT where there is one:
UEFI specification 2.10, 5.3), of the file system's own device the boot sector, without the
octets that mounting changes.  Superblocks, allocation tables and directories are left out:
they change with every mount.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SECTOR = 512
_GPT_SECTORS = 34
_GPT_SIGNATURE = b"EFI PART"
_FAT_STATE = (0x25, 0x41)  # of FAT12 and FAT16, of FAT32: fs/fat/inode.c, fat_set_state
_CHANGES_WITH_A_MOUNT: Final[Mapping[str, tuple[int, ...]]] = {
    "vfat": _FAT_STATE,
    "msdos": _FAT_STATE,
    "exfat": (0x6A, 0x6B, 0x70),  # VolumeFlags, PercentInUse: exFAT specification, 3.1
}
_ELSEWHERE = frozenset(("xfs", "btrfs"))
"""Their first sector is the superblock, or its place is said to be unused."""


def boot_mark(number: int, filesystem: str, sysfs: Path = Path("/sys/dev/block")) -> bytes:
    """SHA-256 over the boot area of the block device `number` (dev_t) and of its disk; empty
    where it cannot be read (then nothing is known again).
    """
    own = sysfs / f"{os.major(number)}:{os.minor(number)}"
    disk = own.resolve().parent if (own / "partition").exists() else own
    try:
        table = _beginning(disk, _SECTOR * _GPT_SECTORS) if disk != own else b""
        boot = b"" if filesystem in _ELSEWHERE else _beginning(own, _SECTOR)
    except OSError:
        return b""
    if table and table[_SECTOR : _SECTOR + len(_GPT_SIGNATURE)] != _GPT_SIGNATURE:
        table = table[:_SECTOR]
    quiet = bytearray(boot)
    for octet in _CHANGES_WITH_A_MOUNT.get(filesystem, ()):
        quiet[octet] = 0
    return hashlib.sha256(table + quiet).digest()


def node_of(number: int, sysfs: Path = Path("/sys/dev/block")) -> str:
    """Of the block device, by the name that the kernel gives it.  Raises OSError."""
    return str(_node(sysfs / f"{os.major(number)}:{os.minor(number)}"))


def _beginning(device: Path, length: int) -> bytes:
    """Raises OSError."""
    with _node(device).open("rb", buffering=0) as node:
        return node.read(length)


def _node(device: Path) -> Path:
    """Raises OSError."""
    lines = (device / "uevent").read_text("ascii", "replace").splitlines()
    return Path("/dev", next((line[8:] for line in lines if line.startswith("DEVNAME=")), ""))
