"""Interfaces, addresses, routes and neighbours, as the kernel announces them."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Fact, Number

LinkKind = Literal[
    "loopback",
    "wired",
    "wifi",
    "usb_tether",
    "usb_ethernet",
    "modem",
    "bluetooth",
    "infrared",
    "ppp",
    "tunnel",
    "bridge",
    "virtual",
    "unknown",
]
"""Told from sysfs and udev (subsystem, driver, USB interface classes, DEVTYPE,
rtnl link kind), never from the interface's name.  `usb_tether` shares another
device's uplink (RNDIS, CDC-NCM/ECM/EEM of a telephone, ipheth); `usb_ethernet` is a
plain USB network card; `virtual` has no hardware and no other end outside this
machine (veth, dummy, bonding master, VLAN of ...)."""


class Address(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    address: str
    prefix_length: Number
    scope: str = "global"


class Link(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One network interface.

    `up` is IFF_UP, `carrier` IFF_LOWER_UP.  `bus` is the sysfs subsystem of the
    parent device (`pci`, `usb`, `virtio`, empty for virtual links); `device` a
    stable name of the hardware (USB vendor:product:serial, PCI address);
    `lower` the link that a virtual one rides on.
    """

    index: Number
    name: str
    kind: LinkKind
    mac: str = ""
    up: bool = False
    carrier: bool = False
    driver: str = ""
    bus: str = ""
    device: str = ""
    description: str = ""
    lower: str = ""
    addresses: tuple[Address, ...] = ()


class Route(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One unicast route of a table; `destination` is a prefix, `default` is
    0.0.0.0/0 or ::/0.  `gateway` is empty for what is directly connected;
    `gateway_mac` comes from the neighbour table, empty where that is silent.
    """

    destination: str
    interface: str
    gateway: str = ""
    gateway_mac: str = ""
    metric: Number = 0
    table: Number = 254

    @property
    def is_default(self) -> bool:
        return self.destination in ("0.0.0.0/0", "::/0")


class NetworkState(Fact, frozen=True, kw_only=True, tag="network"):
    """Every link with its addresses, and every unicast route."""

    state: ClassVar[bool] = True

    links: tuple[Link, ...]
    routes: tuple[Route, ...]


class UplinkDevice(Fact, frozen=True, kw_only=True, tag="uplink_device"):
    """A device that can lead outside appeared or left, even without an interface
    yet: a modem's serial port, a telephone offering tethering.
    """

    action: Literal["attached", "detached"]
    uplink: LinkKind
    device: str
    description: str = ""
    interface: str = ""


class Neighbour(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    address: str
    mac: str
    interface: str


class NeighboursSeen(Fact, frozen=True, kw_only=True, tag="neighbours"):
    """Hosts of the same segment that answered ARP or neighbour discovery lately
    (state REACHABLE, DELAY or PROBE): the witnesses of who is alive.
    """

    neighbours: tuple[Neighbour, ...]
