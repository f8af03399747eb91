"""A disk that is held: its numbers, its partitions, and word to others that it is free."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent.system.blkid import properties_of
from agent.system.fuse_mount import FuseMount, LetIn, NotMounted, mount_ntfs
from agent.system.hold_gate import DeviceNumber
from agent.system.hold_programs import BLOCK, CHARACTER
from agent.system.private_mount import PrivateMount, Unmountable, mount_privately

SYSFS = Path("/sys")
_UNCONFINED = "/proc/1/root"  # in the service's own sandbox sysfs is read-only
_REREAD_PARTITIONS = 0x125F  # BLKRRPART of linux/fs.h
_DRIVE_STATUS, _DISC_OK = 0x5326, 4  # CDROM_DRIVE_STATUS, CDS_DISC_OK of linux/cdrom.h


class OpenedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A file system of the disk: `root` is the descriptor of its private mount, -1 where
    `refusal` says why it has none.  `used` bytes lie on it.
    """

    node: str
    number: int
    mount: PrivateMount | FuseMount | None = None
    used: int = 0
    refusal: str = ""

    @property
    def root(self) -> int:
        return self.mount.root if self.mount else -1


class OpenedDisk(msgspec.Struct, frozen=True, kw_only=True):
    """`properties` are udev's by node, as far as they can be known."""

    properties: dict[str, dict[str, str]]
    parts: tuple[OpenedPart, ...]

    def close(self) -> None:
        """Unmounts; may take long for a medium that was pulled out."""
        for part in self.parts:
            if part.mount:
                part.mount.close()


def numbers_of(disk: Path) -> Iterator[DeviceNumber]:
    """Every number that leads to the disk (its path in sysfs): whole, parts, SCSI generic."""
    for place in (disk, *_partitions(disk)):
        yield from _number(place / "dev", BLOCK)
    for kind in ("scsi_generic", "bsg"):
        with contextlib.suppress(OSError):  # no SCSI device, or gone
            for generic in (disk / "device" / kind).iterdir():
                yield from _number(generic / "dev", CHARACTER)


def all_numbers(sysfs: Path = SYSFS) -> Iterator[DeviceNumber]:
    """Every block device and SCSI generic device of this machine."""
    for subsystem, kind in (("block", BLOCK), ("scsi_generic", CHARACTER), ("bsg", CHARACTER)):
        with contextlib.suppress(FileNotFoundError):
            for device in (sysfs / "class" / subsystem).iterdir():
                yield from _number(device / "dev", kind)


def insertion_of(disk: Path) -> str:
    """Another one for each medium in the same drive, and each disk at the same place:
    /sys/block/*/diskseq.  Empty when it is gone.
    """
    try:
        return (disk / "diskseq").read_text("ascii").strip()
    except OSError:
        return ""


def open_privately(disk: Path, let_in: LetIn) -> OpenedDisk:
    """Reads the partition table and mounts what there is, for the keeper of the gate only;
    `let_in` is for a file system's driver that is a process of its own.

    Raises:
        OSError: the disk cannot be read, or is gone.
    """
    node = f"/dev/{disk.name}"
    _reread_partitions(node)
    places = _partitions(disk)
    properties = {
        f"/dev/{place.name}": dict(properties_of(f"/dev/{place.name}")) for place in places
    }
    properties[node] = {**properties_of(node), **_bus(disk), **_disc(disk, node)}
    bodies = places or ([] if properties[node].get("ID_PART_TABLE_TYPE") else [disk])
    parts = tuple(_part(place, properties[f"/dev/{place.name}"], let_in) for place in bodies)
    return OpenedDisk(properties=properties, parts=parts)


def tell_others(disk: Path) -> None:
    """Has udev look at the disk and its parts as if they were new, and the desktop by it: only
    then are owner and rights of their nodes set.

    Where that is not allowed, closing a node that was open for writing makes udev look at
    least (it watches nodes with inotify); then only root may read it.
    """
    for place in (disk, *_partitions(disk)):
        try:
            Path(f"{_UNCONFINED}{place}/uevent").write_text("add", "ascii")
        except OSError:
            with contextlib.suppress(OSError):  # write-protected, or gone
                os.close(os.open(f"/dev/{place.name}", os.O_WRONLY | os.O_CLOEXEC))


def tell_others_of_all(sysfs: Path = SYSFS) -> None:
    """Of every disk; for when nothing is held any more."""
    with contextlib.suppress(OSError):
        for place in (sysfs / "class/block").iterdir():
            if not (place / "partition").exists():
                tell_others(place)


def _reread_partitions(node: str) -> None:
    """The kernel's own look was refused like everybody's; an opening by the keeper makes
    up for it where it was missed, and this asks for it once more.
    """
    descriptor = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, _REREAD_PARTITIONS)
    except OSError as refused:
        if refused.errno not in (errno.EINVAL, errno.EBUSY, errno.ENOTTY):  # has none, or in use
            raise
    finally:
        os.close(descriptor)


def _part(place: Path, properties: dict[str, str], let_in: LetIn) -> OpenedPart:
    node = f"/dev/{place.name}"
    number = next((device.number for device in _number(place / "dev", BLOCK)), 0)
    try:
        mount = _mounted(node, properties.get("ID_FS_TYPE", ""), let_in)
    except (Unmountable, NotMounted) as refused:
        return OpenedPart(node=node, number=number, refusal=str(refused))
    told = os.fstatvfs(mount.root)
    used = (told.f_blocks - told.f_bfree) * told.f_frsize
    return OpenedPart(node=node, number=number, mount=mount, used=used)


def _mounted(node: str, filesystem: str, let_in: LetIn) -> PrivateMount | FuseMount:
    """Raises Unmountable, NotMounted."""
    try:
        return mount_privately(node, filesystem)
    except Unmountable:
        if filesystem != "ntfs":
            raise
    return mount_ntfs(node, let_in)


def _bus(disk: Path) -> dict[str, str]:
    return {"ID_BUS": "ata"} if "/ata" in str(disk.resolve()) else {}


def _disc(disk: Path, node: str) -> dict[str, str]:
    if not disk.name.startswith("sr"):
        return {}
    descriptor = os.open(node, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        there = fcntl.ioctl(descriptor, _DRIVE_STATUS) == _DISC_OK
    finally:
        os.close(descriptor)
    return {"ID_CDROM": "1", "ID_CDROM_MEDIA": "1"} if there else {"ID_CDROM": "1"}


def _partitions(disk: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(place for place in disk.iterdir() if (place / "partition").exists())
    return []


def _number(file: Path, kind: int) -> Iterator[DeviceNumber]:
    with contextlib.suppress(OSError):  # without a number, or gone
        major, minor = file.read_text("ascii").split(":")
        yield DeviceNumber(kind, os.makedev(int(major), int(minor)))
