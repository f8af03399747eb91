"""USB devices that can lead outside, read from sysfs: telephones and modems.

Class codes: USB-IF "Defined Class Codes" and CDC 1.2 (subclass in the second byte);
RNDIS is declared as e0/01/03, ef/04/01 or 02/02/ff.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.system.usb_makers import CARD_VENDORS, MODEM_VENDORS, ONLY_MODEMS, STILL_A_DISC
from checks.facts.network import LinkKind

MODEM_DRIVERS = frozenset(
    [
        "qmi_wwan",
        "cdc_mbim",
        "huawei_cdc_ncm",
        "option",
        "qcserial",
        "sierra",
        "sierra_net",
        "hso",
        "ipw",
        "lg-vl600",
        "GobiNet",
        "cdc_wdm",
        "mtk_t7xx",
    ]
)
TETHER_DRIVERS = frozenset(("rndis_host", "ipheth"))
CDC_DRIVERS = frozenset(["cdc_ether", "cdc_ncm", "cdc_eem", "cdc_subset", "zaurus"])

_RNDIS = frozenset(("e00103", "ef0401", "0202ff"))
_CDC_NETWORK = frozenset(("0206", "020d", "020c"))  # ECM, NCM, EEM
_MBIM = "020e"
_APPLE_TETHER = "fffd01"
_ONE_PAGE = 4096
"""No sysfs attribute is longer (Documentation/filesystems/sysfs.rst)."""
_AT_COMMANDS = frozenset(f"0202{protocol:02x}" for protocol in range(1, 7))  # V.250 … CDMA


@dataclass(frozen=True, slots=True)
class UsbInterface:
    """`triple` is class, subclass and protocol in hexadecimal, as in `e00103`."""

    triple: str
    driver: str
    folder: Path


@dataclass(frozen=True, slots=True)
class UsbDevice:
    vendor: str
    product: str
    serial: str
    description: str
    interfaces: tuple[UsbInterface, ...]

    @property
    def identity(self) -> str:
        return ":".join(part for part in (self.vendor, self.product, self.serial) if part)

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the network interfaces that it has brought."""
        return tuple(_children(self.interfaces, "net/*"))

    @property
    def serial_ports(self) -> tuple[str, ...]:
        return tuple(_children(self.interfaces, "tty/tty*", "ttyUSB*"))


def read_usb_device(folder: Path) -> UsbDevice:
    """The device of a sysfs folder such as /sys/bus/usb/devices/1-2.  What is missing
    reads as empty.

    Its ids are read last: of a device that leaves the kernel removes them before its words
    (usb_device_groups of drivers/usb/core/sysfs.c), so with ids the rest is whole.
    """
    interfaces = tuple(
        UsbInterface(
            triple="".join(
                attribute(interface, f"bInterface{part}")
                for part in ("Class", "SubClass", "Protocol")
            ),
            driver=link_name(interface / "driver"),
            folder=interface,
        )
        for interface in _interfaces(folder)
    )
    words = (attribute(folder, "manufacturer"), attribute(folder, "product"))
    serial = attribute(folder, "serial")
    product, vendor = attribute(folder, "idProduct"), attribute(folder, "idVendor")
    return UsbDevice(
        vendor=vendor,
        product=product,
        serial=serial,
        description=" ".join(word for word in words if word),
        interfaces=interfaces,
    )


def usb_network_kind(device: UsbDevice, driver: str) -> LinkKind:
    """What a network interface of this device is.

    A CDC device is a plain card only when its maker makes cards and it has no other
    function; every doubt is a telephone.
    """
    if driver in MODEM_DRIVERS:
        return "modem"
    if driver in TETHER_DRIVERS:
        return "usb_tether"
    if driver in CDC_DRIVERS or not driver:
        return "usb_ethernet" if _only_a_card(device) else "usb_tether"
    return "usb_ethernet"


def uplink_kind(device: UsbDevice) -> LinkKind | None:
    """Whether this device can lead outside, with or without a network interface yet.

    A serial port is a modem's when its driver is a modem's, or when it declares AT
    commands and its maker makes modems or it has several such ports.  A lone port of
    any other maker (FTDI cable, bar-code scanner, development board) is not.  A modem whose
    driver is missing is told by its maker, or as the disc that it still shows.
    """
    drivers = {interface.driver for interface in device.interfaces}
    triples = [interface.triple for interface in device.interfaces]
    if drivers & MODEM_DRIVERS or any(triple.startswith(_MBIM) for triple in triples):
        return "modem"
    if drivers & TETHER_DRIVERS or _RNDIS & set(triples) or _APPLE_TETHER in triples:
        return "usb_tether"
    at_ports = sum(triple in _AT_COMMANDS for triple in triples)
    if at_ports > 1 or (at_ports and device.vendor in MODEM_VENDORS):
        return "modem"
    if any(triple[:4] in _CDC_NETWORK for triple in triples) and not _only_a_card(device):
        return "usb_tether"
    return "modem" if _speaks_like_a_modem(device) else None


def usb_devices(sysfs: Path) -> Iterator[UsbDevice]:
    """Every device on the machine's USB but the root hubs, and but those that are leaving."""
    bus = sysfs / "bus/usb/devices"
    for name in _names(bus):
        if ":" not in name and not name.startswith("usb"):
            device = read_usb_device(bus / name)
            if device.vendor:
                yield device


def attribute(folder: Path, name: str) -> str:
    """A sysfs attribute without its newline; empty when there is none, or not any more."""
    try:
        descriptor = os.open(f"{folder}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(descriptor, _ONE_PAGE).decode("utf-8", "replace").strip()
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def link_name(link: Path) -> str:
    """Last part of what a sysfs link points to; empty without one."""
    try:
        return link.readlink().name
    except OSError:
        return ""


def _interfaces(folder: Path) -> Iterator[Path]:
    """Folders of a device's interfaces, such as 1-2:1.0 below 1-2."""
    own = os.path.realpath(folder).rpartition("/")[2] + ":"
    for name in _names(folder):
        if name.startswith(own):
            yield folder / name


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)
    except OSError:
        return []


def _only_a_card(device: UsbDevice) -> bool:
    functions = [i.triple[:2] for i in device.interfaces]
    return device.vendor in CARD_VENDORS and set(functions) <= {"02", "0a", "ff"}


def _speaks_like_a_modem(device: UsbDevice) -> bool:
    triples = [interface.triple for interface in device.interfaces]
    a_telephone = any(t[:2] == "06" or t[:4] == "ff42" or t == "ffff00" for t in triples)
    own_protocol = any(triple[:2] == "ff" for triple in triples)
    if device.vendor in ONLY_MODEMS and own_protocol and not a_telephone:
        return True
    return f"{device.vendor}:{device.product}" in STILL_A_DISC


def _children(interfaces: Iterable[UsbInterface], *patterns: str) -> Iterator[str]:
    for interface in interfaces:
        for pattern in patterns:
            yield from sorted(child.name for child in interface.folder.glob(pattern))
