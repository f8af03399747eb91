"""Disks that were there for so short a time that udev had not told of them before they went.

udevd tells of a device when its rules have run, some 10 ms to some 100 ms after the kernel.  A
stick that is pulled out before is gone from sysfs by then, and nobody could say what it was.
So the kernel's own word is kept, with what sysfs says at that moment, until udev's has come.
Where even that is too late, the event itself names the USB device's maker and product.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from agent.media.devices import Ancestor, Device, DeviceChange

_KEPT_AT_MOST = 256
_USB_NAME = re.compile(r"/usb\d+/(?:.*/)?(\d+-[\d.]+)/")
_PRODUCT = re.compile(r"([0-9a-f]{1,4})/([0-9a-f]{1,4})/")
"""drivers/usb/core/driver.c, usb_uevent: vendor, product and release in hexadecimal."""

Kept = TypeVar("Kept")


class Glimpses:
    """Fed with the kernel's events, and with what became known otherwise."""

    def __init__(self) -> None:
        self._disks: OrderedDict[str, Device] = OrderedDict()
        self._usb: OrderedDict[str, Ancestor] = OrderedDict()

    def apply(self, change: DeviceChange) -> Device | None:
        """The disk that this event takes away, when nobody was told of it."""
        device = change.device
        if device.subsystem == "usb" and change.action == "add":
            _keep(self._usb, _last(device.path), _usb_as_told(device))
        if (device.subsystem, device.devtype) != ("block", "disk"):
            return None
        if change.action == "remove":
            return self._disks.pop(device.path, None)
        _keep(self._disks, device.path, self._completed(device))
        return None

    def told(self, disks: Iterable[Device]) -> None:
        """These are known by udev's word; another one may stand at the same path by now."""
        for disk in disks:
            kept = self._disks.get(disk.path)
            if kept is not None and _number(kept) == _number(disk):
                del self._disks[disk.path]

    def _completed(self, device: Device) -> Device:
        """With the names that udev would have given it, and with its USB device as the kernel
        told of it: what stands in sysfs may be the next one by now.
        """
        unit = device.above("scsi", "scsi_device") or Ancestor()
        named = {
            "ID_VENDOR": unit.attributes.get("vendor", ""),
            "ID_MODEL": unit.attributes.get("model", ""),
        }
        names = _USB_NAME.findall(device.path)
        usb = self._usb.get(names[-1]) if names else None
        ancestors = device.ancestors
        if usb is not None:
            ancestors = (usb, *(one for one in ancestors if one.name != usb.name))
        return msgspec.structs.replace(
            device, properties={**named, **device.properties}, ancestors=ancestors
        )


def _usb_as_told(device: Device) -> Ancestor:
    """What sysfs says where it is this very device still, by its number on the bus."""
    attributes = device.attributes
    number = device.properties.get("DEVNUM", "")
    if not number.isdigit() or attributes.get("devnum", "") != str(int(number)):
        attributes = _named_by_event(device)
    return Ancestor(
        subsystem="usb", devtype="usb_device", name=_last(device.path), attributes=attributes
    )


def _named_by_event(device: Device) -> Mapping[str, str]:
    named = _PRODUCT.match(device.properties.get("PRODUCT", ""))
    if named is None:
        return {}
    return {"idVendor": named[1].zfill(4), "idProduct": named[2].zfill(4)}


def _number(disk: Device) -> str:
    """Of all disks that this boot had; empty before Linux 5.15."""
    return disk.properties.get("DISKSEQ", "")


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _keep(where: OrderedDict[str, Kept], key: str, kept: Kept) -> None:
    where.pop(key, None)
    where[key] = kept
    if len(where) > _KEPT_AT_MOST:
        where.popitem(last=False)
