"""What udev tells of a device, as values, and the port that tells it."""

from collections.abc import Iterator, Mapping
from typing import Literal, Protocol

import msgspec

Action = Literal["add", "change", "remove"]


class Ancestor(msgspec.Struct, frozen=True, kw_only=True):
    """A device above; the nearest stands first in `Device.ancestors`."""

    subsystem: str = ""
    devtype: str = ""
    name: str = ""
    attributes: Mapping[str, str] = {}


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One device of subsystem `block`, `usb` or `input`.

    `path` is where it hangs in sysfs, `number` its dev_t (0 without one).
    `properties` are udev's own, `attributes` the sysfs files named in ATTRIBUTES.
    """

    path: str
    subsystem: str
    devtype: str = ""
    node: str = ""
    number: int = 0
    properties: Mapping[str, str] = {}
    attributes: Mapping[str, str] = {}
    ancestors: tuple[Ancestor, ...] = ()

    @property
    def disk_path(self) -> str:
        """The whole disk that a partition is part of; a disk's own path."""
        return self.path.rsplit("/", 1)[0] if self.devtype == "partition" else self.path

    def above(self, subsystem: str, devtype: str = "") -> Ancestor | None:
        """The nearest ancestor of that kind."""
        matching = (
            ancestor
            for ancestor in self.ancestors
            if ancestor.subsystem == subsystem and devtype in ("", ancestor.devtype)
        )
        return next(matching, None)


def is_keyboard(device: Device) -> bool:
    """A full keyboard, by udev's input_id; a power button or a head-set has keys only."""
    return device.subsystem == "input" and device.properties.get("ID_INPUT_KEYBOARD") == "1"


ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "block": ("size", "removable", "loop/backing_file"),
    "usb": ("idVendor", "idProduct", "serial", "manufacturer", "product", "devnum"),
    "mmc": ("type", "name", "serial", "manfid", "cid"),
    "pci": ("removable",),
    "scsi": ("vendor", "model", "rev"),
}
"""Per subsystem, what identity is told from.  Beside it only the names of a USB device's
interfaces are read (as `interfaces`, one a line) and a SCSI unit's BINARY_ATTRIBUTES, which
come in hexadecimal.
"""
BINARY_ATTRIBUTES = ("vpd_pg80", "vpd_pg83")


class DeviceChange(msgspec.Struct, frozen=True):
    action: Action
    device: Device


class DeviceSource(Protocol):
    """The devices of this machine that may be media."""

    def open(self) -> int:
        """Starts listening; the file descriptor to select on for reading.

        Raises:
            OSError: udev cannot be listened to.
        """

    def changes(self) -> Iterator[DeviceChange]:
        """Drains what came since; never blocks.

        Raises:
            OSError: ENOBUFS when the kernel dropped events: read `present` again.
        """

    def present(self) -> Iterator[Device]:
        """Everything that is there now, disks before their partitions."""

    def degraded(self) -> str:
        """Why less is known of devices than should be; empty when all is known."""

    def close(self) -> None:
        """May be called twice."""
