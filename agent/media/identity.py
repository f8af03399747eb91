"""What a medium is, told from what udev and sysfs say about a device.

Whether it is removable is decided by the way it is attached.  The `removable` flag of
the disk is the device's own word: portable SSDs deny it, some fixed disks claim it.
"""

import hashlib
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

from agent.media.devices import Ancestor, Device
from agent.media.partitions import partition_of, size_of
from agent.media.udev_text import name_of
from agent.media.usb_functions import usb_functions
from agent.media.vital_pages import unit_name, unit_serial
from checks.facts.media import Medium, MediumKind

_KEY_DOMAIN = "wardwatch medium 1"
_KEY_LENGTH = 32
_FLASH_CARD = ("ID_DRIVE_FLASH", "ID_DRIVE_MEDIA_FLASH")
_READER = re.compile(
    r"card.?reader|sd.?/?mmc|compact.?flash|\bCF\b|\bMS[ _/]|multi.?card", re.IGNORECASE
)
_USERS_PLACES = ("/home", "/media", "/run/media", "/mnt", "/tmp", "/var/tmp", "/root")  # noqa: S108 - compared, not written


def identify(
    device: Device,
    parts: Sequence[Device] = (),
    *,
    system_disk: bool = False,
    keyboards: AbstractSet[str] = frozenset(),
    vanished: bool = False,
) -> Medium | None:
    """The medium that this disk (or telephone) is, None when it is none.

    `parts` are its partitions; `system_disk` says that the running system lies on it,
    which settles the case of internal SATA ports that claim to be hot-plug; `keyboards` are
    USB devices (`usb_folder`) that the kernel has made keyboards of.  What `vanished` before
    its size could be read held a body as far as anybody knows.
    """
    if device.subsystem == "usb":
        return _phone(device)
    unread = vanished and not _is_optical(device) and "size" not in device.attributes
    if device.devtype == "partition" or not (unread or _holds_a_body(device)):
        return None
    bus = bus_of(device)
    if not bus or (bus == "sata_hotplug" and system_disk):
        return None
    return _medium(device, parts, bus, is_keyboard=usb_folder(device) in keyboards)


def bus_of(device: Device) -> str:
    """What makes a disk removable, empty when nothing does."""
    name = PurePosixPath(device.path).name
    if name.startswith("nbd"):
        return "nbd"
    usb = device.above("usb", "usb_device") is not None
    if name.startswith("loop") and not usb:
        return "loop" if _is_users_image(device.attributes.get("loop/backing_file", "")) else ""
    if _is_optical(device):
        return "optical"
    if usb:
        return "usb"
    if name.startswith("fd"):
        return "floppy"
    return _bus_of_bridge(device)


def usb_folder(device: Device) -> str:
    """Where its USB device stands in sysfs, empty where it hangs on none."""
    usb = device.above("usb", "usb_device")
    if usb is None or f"/{usb.name}/" not in device.path:
        return ""
    return device.path[: device.path.rindex(f"/{usb.name}/") + 1 + len(usb.name)]


def medium_key(  # noqa: PLR0913 - what a key is made of, by keyword
    *, bus: str, vendor: str, product: str, serial: str, capacity: int, ids: Sequence[str]
) -> str:
    """Stable for the same device with the same body; `ids` (partition table, file
    systems) count only where there is no serial number.
    """
    told = [_KEY_DOMAIN, bus, vendor, product, serial, str(capacity)]
    told.extend([] if serial else sorted(ids))
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:_KEY_LENGTH]


def _medium(device: Device, parts: Sequence[Device], bus: str, *, is_keyboard: bool) -> Medium:
    properties = device.properties
    kind = _kind(device, bus)
    usb = device.above("usb", "usb_device") or Ancestor()
    card = device.above("mmc") or Ancestor()
    functions = usb_functions(properties, usb.attributes)
    body = [partition_of(part) for part in parts or _undivided(device)]
    vendor_id = properties.get("ID_VENDOR_ID") or usb.attributes.get("idVendor", "")
    product_id = properties.get("ID_MODEL_ID") or usb.attributes.get("idProduct", "")
    serial = _serial(device, usb, card, lies_in_a_drive=_lies_in_a_drive(kind, bus))
    table_uuid = properties.get("ID_PART_TABLE_UUID", "")
    drive_told = not _lies_in_a_drive(kind, bus)
    return Medium(
        key=medium_key(
            bus=bus,
            vendor=vendor_id if drive_told else "",
            product=product_id if drive_told else "",
            serial=serial,
            capacity=size_of(device),
            ids=[table_uuid, *(part.uuid for part in body)],
        ),
        kind=kind,
        bus=bus,
        vendor_id=vendor_id,
        product_id=product_id,
        vendor=name_of(device, "ID_VENDOR") or usb.attributes.get("manufacturer", ""),
        model=name_of(device, "ID_MODEL")
        or usb.attributes.get("product", "")
        or card.attributes.get("name", ""),
        serial=serial,
        capacity=size_of(device),
        table=properties.get("ID_PART_TABLE_TYPE", ""),
        table_uuid=table_uuid,
        interfaces=properties.get("ID_USB_INTERFACES", ""),
        device=device.node,
        partitions=tuple(body),
        others=functions.others(keyboard=is_keyboard),
        revision=properties.get("ID_REVISION", "") or _unit(device).attributes.get("rev", ""),
        unit=_unit_names(device) or card.attributes.get("cid", ""),
    )


def _undivided(device: Device) -> Sequence[Device]:
    """The disk itself where it has no table; with one its partitions are yet to come."""
    return () if device.properties.get("ID_PART_TABLE_TYPE") else (device,)


def _unit(device: Device) -> Ancestor:
    return device.above("scsi", "scsi_device") or Ancestor()


def _unit_names(device: Device) -> str:
    """World-wide name and unit serial number, as far as the unit has vital product data."""
    pages = _unit(device).attributes
    serial = unit_serial(bytes.fromhex(pages.get("vpd_pg80", "")))
    name = unit_name(bytes.fromhex(pages.get("vpd_pg83", "")))
    name = name or device.properties.get("ID_WWN_WITH_EXTENSION", "")
    return " ".join(part for part in (name, serial) if part)


def _phone(device: Device) -> Medium | None:
    """Telephones and cameras that hand out files by MTP, PTP, ADB or Apple's protocol have no
    block device.  One that is only charged has none of these.
    """
    properties = device.properties
    functions = usb_functions(properties, device.attributes)
    listed = "ID_MEDIA_PLAYER" in properties and functions.may_be_a_player
    told = properties.get("ID_MTP_DEVICE") == "1" or listed or functions.is_telephone
    camera = properties.get("ID_GPHOTO2") == "1" or functions.is_camera
    if not told and not camera:
        return None
    vendor_id = properties.get("ID_VENDOR_ID") or device.attributes.get("idVendor", "")
    product_id = properties.get("ID_MODEL_ID") or device.attributes.get("idProduct", "")
    serial = properties.get("ID_SERIAL_SHORT", "") or device.attributes.get("serial", "")
    return Medium(
        key=medium_key(
            bus="usb", vendor=vendor_id, product=product_id, serial=serial, capacity=0, ids=()
        ),
        kind="phone" if told else "camera",
        bus="usb",
        vendor_id=vendor_id,
        product_id=product_id,
        vendor=name_of(device, "ID_VENDOR"),
        model=name_of(device, "ID_MODEL"),
        serial=serial,
        interfaces=properties.get("ID_USB_INTERFACES", ""),
        device=device.node,
    )


def _holds_a_body(device: Device) -> bool:
    """An empty reader slot has size 0; an empty CD drive only lacks ID_CDROM_MEDIA.  A
    signature key's virtual CD-ROM without a disc is therefore none.
    """
    if _is_optical(device):
        return device.properties.get("ID_CDROM_MEDIA") == "1"
    return size_of(device) > 0


def _bus_of_bridge(device: Device) -> str:
    """SD on a card host, FireWire, PCIe that is reached from outside, hot-plug SATA."""
    card = device.above("mmc")
    if card is not None:
        # A soldered eMMC says MMC and is a fixed disk: drivers/mmc/core/bus.c, `type`.
        return "mmc" if card.attributes.get("type") == "SD" else ""
    if device.above("firewire") is not None:
        return "firewire"
    outside = any(
        above.subsystem == "pci" and above.attributes.get("removable") == "removable"
        for above in device.ancestors
    )
    if outside:  # Documentation/ABI/testing/sysfs-devices-removable: Thunderbolt, USB4
        return "thunderbolt"
    # libata sets the flag for ports that the firmware calls external or hot-plug
    # (ATA_PFLAG_EXTERNAL in ata_scsiop_inq_std), so here it is the port's word.
    hot = device.attributes.get("removable") == "1" and device.properties.get("ID_BUS") == "ata"
    return "sata_hotplug" if hot else ""


def _kind(device: Device, bus: str) -> MediumKind:
    fixed: dict[str, MediumKind] = {
        "optical": "optical",
        "floppy": "floppy",
        "nbd": "network_block",
        "loop": "image",
        "mmc": "card",
        "thunderbolt": "disk",
        "firewire": "disk",
        "sata_hotplug": "disk",
    }
    properties = device.properties
    usb = device.above("usb", "usb_device") or Ancestor()
    functions = usb_functions(properties, usb.attributes)
    if bus == "optical" and functions.has_own_disc:
        return "token"
    if bus in fixed:
        return fixed[bus]
    if properties.get("ID_TYPE") == "floppy" or "ID_DRIVE_FLOPPY" in properties:
        return "floppy"
    if functions.is_printer or any(name.startswith(_FLASH_CARD) for name in properties):
        return "card"
    if _READER.search(f"{name_of(device, 'ID_VENDOR')} {name_of(device, 'ID_MODEL')}"):
        return "card"
    return "stick" if device.attributes.get("removable") == "1" else "disk"


def _lies_in_a_drive(kind: MediumKind, bus: str) -> bool:
    """The serial number that is told belongs to the drive or reader, not to the medium."""
    return kind in ("optical", "floppy") or (kind == "card" and bus == "usb")


def _serial(device: Device, usb: Ancestor, card: Ancestor, *, lies_in_a_drive: bool) -> str:
    if lies_in_a_drive:
        return ""
    return (
        device.properties.get("ID_SERIAL_SHORT", "")
        or usb.attributes.get("serial", "")
        or card.attributes.get("serial", "")
    )


def _is_optical(device: Device) -> bool:
    name = PurePosixPath(device.path).name
    return device.properties.get("ID_CDROM") == "1" or bool(re.fullmatch(r"sr\d+", name))


def _is_users_image(backing_file: str) -> bool:
    """Images below users' places; the system's own (snap, live system) lie elsewhere."""
    return any(backing_file.startswith(f"{place}/") for place in _USERS_PLACES)
