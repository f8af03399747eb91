"""Radio hardware: the rfkill table and the kernel's device classes, also what is off.

Documentation/ABI/stable/sysfs-class-rfkill; PCI class 02/80 ("other network controller") is
what Wi-Fi cards say of themselves, e0/01/01 is Bluetooth over USB.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyudev

from agent.system.usbtree import attribute, link_name, usb_devices
from checks.facts.radios import Radio

Kind = Literal["wifi", "bluetooth", "modem", "infrared", "other"]

_SUBSYSTEMS = ("rfkill", "ieee80211", "bluetooth", "wwan")
"""What radios are made of; hardware that no driver takes is found at the slow beat."""
_RFKILL_KINDS: dict[str, Kind] = {"wlan": "wifi", "bluetooth": "bluetooth", "wwan": "modem"}
_CLASSES: tuple[tuple[str, Kind], ...] = (
    ("ieee80211/phy*", "wifi"),
    ("bluetooth/hci*", "bluetooth"),
    ("wwan/wwan*", "modem"),
)
_PCI_WIRELESS = "0x028000"
_USB_BLUETOOTH = "e00101"


class RadioWatch:
    """Hears from the kernel that a radio came, went or was switched; never blocks."""

    def __init__(self) -> None:
        udev: Any = pyudev
        self._monitor: Any = udev.Monitor.from_netlink(udev.Context(), source="kernel")
        for subsystem in _SUBSYSTEMS:
            self._monitor.filter_by(subsystem)
        self._monitor.start()

    def fileno(self) -> int:
        return int(self._monitor.fileno())

    def drain(self) -> None:
        while self._monitor.poll(timeout=0) is not None:
            pass

    def close(self) -> None:
        """The library closes its socket when nobody holds the monitor any more."""
        self._monitor = None


def present_radios(sysfs: Path) -> tuple[Radio, ...]:
    """Every radio by its device's name, sorted.

    One that a switch belongs to is what the switch says; one without a switch is enabled;
    one without a driver is not.  A switch of the whole machine, with no device behind it, is
    no radio.
    """
    switches = dict(_switches(sysfs))
    found: dict[str, Radio] = {radio.device: radio for radio in _without_driver(sysfs)}
    for pattern, kind in _CLASSES:
        for folder in sorted((sysfs / "class").glob(pattern)):
            name = folder.name
            if ":" in name:
                continue  # hci0:256 is a connection, not a radio
            found[name] = Radio(
                kind=kind,
                device=name,
                description=_description(folder / "device"),
                enabled=switches.get(name, True),
            )
    return tuple(found[name] for name in sorted(found))


def _switches(sysfs: Path) -> Iterator[tuple[str, bool]]:
    """Which radio a switch is of, and whether it lets it speak."""
    for folder in sorted((sysfs / "class/rfkill").glob("rfkill*")):
        if attribute(folder, "type") in _RFKILL_KINDS:
            blocked = "1" in (attribute(folder, "soft"), attribute(folder, "hard"))
            yield link_name(folder / "device"), not blocked


def _without_driver(sysfs: Path) -> Iterator[Radio]:
    for folder in sorted((sysfs / "bus/pci/devices").glob("*")):
        if attribute(folder, "class") == _PCI_WIRELESS and not link_name(folder / "driver"):
            vendor, product = attribute(folder, "vendor"), attribute(folder, "device")
            yield Radio(kind="wifi", device=folder.name, description=f"PCI {vendor} {product}")
    for device in usb_devices(sysfs):
        if any(i.triple == _USB_BLUETOOTH and not i.driver for i in device.interfaces):
            yield Radio(kind="bluetooth", device=device.identity, description=device.description)


def _description(device: Path) -> str:
    """Bus and driver of what is behind it, and its ids."""
    words = (link_name(device / "subsystem"), link_name(device / "driver"), link_name(device))
    return " ".join(word for word in words if word)
