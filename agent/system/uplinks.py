"""Devices that can lead outside, and the kernel's word that some came or went."""

from pathlib import Path
from typing import Any

import pyudev

from agent.system.usbtree import attribute, link_name, uplink_kind, usb_devices
from checks.facts.network import UplinkDevice

_SUBSYSTEMS = ("usb", "tty", "net", "wwan")


class UplinkWatch:
    """Hears of devices from the kernel; never blocks."""

    def __init__(self) -> None:
        udev: Any = pyudev
        self._monitor: Any = udev.Monitor.from_netlink(udev.Context(), source="kernel")
        for subsystem in _SUBSYSTEMS:
            self._monitor.filter_by(subsystem)
        self._monitor.start()

    def fileno(self) -> int:
        return int(self._monitor.fileno())

    def anything_new(self) -> bool:
        """Whether any such device came, changed or went since the last call."""
        heard = False
        while self._monitor.poll(timeout=0) is not None:
            heard = True
        return heard

    def close(self) -> None:
        """The library closes its socket when nobody holds the monitor any more."""
        self._monitor = None


def present_uplinks(sysfs: Path) -> dict[str, UplinkDevice]:
    """Every device that can lead outside now, by a name that lasts while it stays."""
    found = {}
    for device in usb_devices(sysfs):
        if (kind := uplink_kind(device)) is not None:
            found[device.identity] = UplinkDevice(
                action="attached",
                uplink=kind,
                device=device.identity,
                description=device.description,
                interface=next(iter(device.networks), ""),
            )
    for folder in sorted((sysfs / "class/wwan").glob("wwan*")):
        if link_name(folder / "device/subsystem") != "usb":  # those are in the list already
            found[folder.name] = _built_in(folder)
    return found


def _built_in(folder: Path) -> UplinkDevice:
    """A modem that is no USB device (PCIe, platform)."""
    return UplinkDevice(
        action="attached",
        uplink="modem",
        device=link_name(folder / "device") or folder.name,
        description=attribute(folder, "type"),
    )
