"""Interfaces, addresses, routes and neighbours, as the kernel announces them."""

from typing import ClassVar, Literal

import msgspec

from checks.facts.base import Count, Fact, Micros, Number

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
    "pppoe",
    "tunnel",
    "bridge",
    "virtual",
    "unknown",
]
"""Told from sysfs and udev (subsystem, driver, USB interface classes, DEVTYPE,
rtnl link kind), never from the interface's name.  `usb_tether` shares another
device's uplink (RNDIS, CDC-NCM/ECM/EEM of a telephone, ipheth); `usb_ethernet` is a
plain USB network card; `ppp` is PPP over a serial line, `pppoe` over Ethernet; `virtual`
has no hardware below it (veth, dummy).  A bond, VLAN, macvlan or bridge with a hardware
port is of the kind of that hardware: it is what it leads out through."""


class Address(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    address: str
    prefix_length: Number
    scope: str = "global"


class Wifi(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A wireless link as nl80211 tells it (linux/nl80211.h).

    `mode` `station` is an ordinary client, `access_point` serves others (also a P2P group
    owner).  `ssid` and `bssid` are empty while it is not connected; `authentication` is
    `open`, `psk`, `sae`, `802.1x`, or empty where that is not known.
    """

    mode: Literal["station", "access_point", "mesh", "ad_hoc", "monitor", "other"]
    ssid: str = ""
    bssid: str = ""
    authentication: str = ""


class Link(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One network interface.

    `up` is IFF_UP, `carrier` IFF_LOWER_UP.  `bus` is the sysfs subsystem of the
    parent device (`pci`, `usb`, `virtio`, empty for virtual links); `device` a
    stable name of the hardware (USB vendor:product:serial, PCI address);
    `driver` of a link without hardware is rtnetlink's word for it (`veth`, `bridge`,
    `bond`, `wireguard`), empty for what no kind of the kernel's own made (VMware's
    host-only network); `lower` the link that a virtual one rides on; `master` the bridge or bond that it
    belongs to; `vlan` its VLAN id, 0 without one.
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
    master: str = ""
    vlan: Number = 0
    wifi: Wifi | None = None


Origin = Literal["", "router_advertisement", "dhcp", "static", "kernel", "other"]


class Route(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One unicast route of a table; `destination` is a prefix, `default` is
    0.0.0.0/0 or ::/0.  `gateway` is empty for what is directly connected;
    `gateway_mac` comes from the neighbour table, empty where that is silent.  `origin`
    is who set it (RTPROT_* of linux/rtnetlink.h), empty in what older agents say.
    """

    destination: str
    interface: str
    gateway: str = ""
    gateway_mac: str = ""
    metric: Number = 0
    table: Number = 254
    origin: Origin = ""

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
    """Another host of the segment.  `how` it was noticed; `name` is what it calls itself
    (DHCP option 12, else its class of option 60; LLDP system name), empty when it does not.
    `address` is empty for one that showed only its MAC.  `heard_us` is when it last gave a
    sign of life itself, 0 in what older agents say.
    """

    address: str
    mac: str
    interface: str
    how: Literal["table", "arp", "nd", "dhcp", "lldp", "mdns"] = "table"
    name: str = ""
    heard_us: Micros = 0


class NeighboursSeen(Fact, frozen=True, kw_only=True, tag="neighbours"):
    """Hosts of the same segment that were alive lately: the witnesses.

    They answered ARP or neighbour discovery (state REACHABLE, DELAY or PROBE), or were
    heard speaking since the fact before.
    """

    neighbours: tuple[Neighbour, ...]


class UnmanagedHost(Fact, frozen=True, kw_only=True, tag="unmanaged_host"):
    """Said by the collector, never by an agent: a host is on the segment of `endpoint`
    that neither runs an agent nor stands in the policy's list of known hosts.

    `among`: how many such hosts came up within an hour, this one included.
    """

    endpoint: str
    mac: str
    addresses: tuple[str, ...] = ()
    name: str = ""
    how: tuple[str, ...] = ()
    witnesses: tuple[str, ...] = ()
    first_seen_us: Micros = 0
    among: Count = 1
