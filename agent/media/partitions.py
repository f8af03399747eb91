"""What lies on a partition, as far as udev looked, and whether it can be looked into."""

from agent.media.devices import Device
from agent.media.udev_text import unescaped
from checks.facts.media import Closed, Partition

SECTOR = 512
"""sysfs counts sizes in these whatever the disk's own sectors are: block/genhd.c."""

_LOOKED_AT = "USEC_INITIALIZED"
"""udevd sets it when its rules, blkid among them, have run; the kernel's own events lack it."""
_RESERVED = frozenset(
    (
        "e3c9e316-0b5c-4db8-817d-f92df00215ae",  # Microsoft reserved
        "21686148-6449-6e6f-744e-656564454649",  # BIOS boot
        "9e1a2d38-c612-4316-aa26-8b49521e5a8b",  # PowerPC PReP boot
        *("0x5", "0xf", "0x85"),  # extended: holds partitions, no files
        "0x41",  # PReP boot
    )
)
"""Types (ID_PART_ENTRY_TYPE) that never hold a file system."""
_GAP = 1 << 20
"""Bytes.  Tools align partitions to this; smaller ones fill gaps of hybrid disc images."""


def partition_of(device: Device) -> Partition:
    """The device as something that can be mounted."""
    properties = device.properties
    return Partition(
        device=device.node,
        size=size_of(device),
        filesystem=properties.get("ID_FS_TYPE", ""),
        uuid=properties.get("ID_FS_UUID", ""),
        label=unescaped(properties.get("ID_FS_LABEL_ENC", "")) or properties.get("ID_FS_LABEL", ""),
        closed=_closed(device),
    )


def size_of(device: Device) -> int:
    """Bytes."""
    sectors = device.attributes.get("size", "0")
    return int(sectors) * SECTOR if sectors.isdigit() else 0


def _closed(device: Device) -> Closed:
    properties = device.properties
    if properties.get("ID_FS_USAGE") == "crypto" or properties.get("ID_FS_TYPE") in (
        "crypto_LUKS",
        "BitLocker",
    ):
        return "encrypted"
    told = properties.get("ID_FS_TYPE") or properties.get("ID_PART_TABLE_TYPE")
    if told or _LOOKED_AT not in properties or not _could_hold_files(device):
        return ""
    return "unrecognised"


def _could_hold_files(device: Device) -> bool:
    properties = device.properties
    if properties.get("ID_CDROM") == "1":  # a blank disc and one with music hold none
        return "ID_CDROM_MEDIA_TRACK_COUNT_DATA" in properties
    reserved = properties.get("ID_PART_ENTRY_TYPE", "").lower() in _RESERVED
    return not reserved and size_of(device) >= _GAP
