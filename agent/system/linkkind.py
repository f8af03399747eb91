"""What kind of thing a network interface is: from sysfs and rtnetlink, never its name.

Documentation/ABI/testing/sysfs-class-net; ARPHRD_* of linux/if_arp.h.
"""

from dataclasses import dataclass
from pathlib import Path

from agent.system.usbtree import attribute, link_name, read_usb_device, usb_network_kind
from checks.facts.network import LinkKind

_BY_ARPHRD: dict[int, LinkKind] = {
    256: "ppp",  # SLIP and its kin are serial lines, too
    257: "ppp",
    258: "ppp",
    259: "ppp",
    512: "ppp",
    519: "modem",  # RAWIP
    783: "infrared",
    768: "tunnel",
    769: "tunnel",
    776: "tunnel",
    778: "tunnel",
    823: "tunnel",
}
LOOPBACK_IFINDEX = 1  # include/net/net_namespace.h; TUNSETLINK lends its ARPHRD to any tun
_TUNNELS = frozenset(
    [
        "tun",
        "wireguard",
        "gre",
        "gretap",
        "erspan",
        "ip6gre",
        "ip6gretap",
        "ip6erspan",
        "ipip",
        "ip6tnl",
        "sit",
        "vti",
        "vti6",
        "xfrm",
        "vxlan",
        "geneve",
        "bareudp",
        "gtp",
        "ovpn",
        "ovpn-dco",
        "amt",
    ]
)
_BY_RTNL_KIND: dict[str, LinkKind] = {
    "bridge": "bridge",
    "openvswitch": "bridge",
    "ppp": "ppp",
    "wwan": "modem",
    "rmnet": "modem",
    "virt_wifi": "wifi",
    **dict.fromkeys(_TUNNELS, "tunnel"),
}
_BY_DEVTYPE: dict[str, LinkKind] = {
    "wlan": "wifi",
    "wwan": "modem",
    "bluetooth": "bluetooth",
    "bridge": "bridge",
    "ppp": "ppp",
    "l2tpeth": "tunnel",
}
_BY_BUS: dict[str, LinkKind] = {"bluetooth": "bluetooth", "wwan": "modem", "mhi": "modem"}


@dataclass(frozen=True, slots=True)
class Hardware:
    """What is behind an interface; fields as in `checks.facts.network.Link`."""

    kind: LinkKind
    driver: str = ""
    bus: str = ""
    device: str = ""
    description: str = ""


def hardware(sysfs: Path, *, name: str, index: int, arphrd: int, rtnl_kind: str) -> Hardware:
    """What the interface of this name and index is.

    A sysfs of another network namespace knows another interface, or none, by this
    name; then only rtnetlink's word counts.
    """
    folder = sysfs / "class/net" / name
    known = attribute(folder, "ifindex") == str(index)
    if index == LOOPBACK_IFINDEX:
        return Hardware(kind="loopback")
    if (kind := _declared(arphrd, rtnl_kind)) is not None:
        return Hardware(kind=kind, driver=rtnl_kind)
    if not known:
        return Hardware(kind="unknown")
    bus = link_name(folder / "device/subsystem")
    return _on_bus(folder, bus) if bus else Hardware(kind=_without_bus(folder))


def _declared(arphrd: int, rtnl_kind: str) -> LinkKind | None:
    """What rtnetlink alone tells; every other software interface is `virtual`."""
    if (kind := _BY_ARPHRD.get(arphrd)) is not None:
        return kind
    return _BY_RTNL_KIND.get(rtnl_kind, "virtual") if rtnl_kind else None


def _on_bus(folder: Path, bus: str) -> Hardware:
    device = folder / "device"
    driver = link_name(device / "driver")
    if bus == "usb":
        usb = read_usb_device(device.resolve().parent)
        kind = _radio(folder) or usb_network_kind(usb, driver)
        return Hardware(kind, driver, bus, usb.identity, usb.description)
    kind = _radio(folder) or _BY_BUS.get(bus, "wired")
    return Hardware(kind, driver, bus, link_name(device), driver)


def _radio(folder: Path) -> LinkKind | None:
    if (folder / "phy80211").exists() or (folder / "wireless").exists():
        return "wifi"
    return _BY_DEVTYPE.get(_devtype(folder))


def _without_bus(folder: Path) -> LinkKind:
    if (folder / "tun_flags").exists():
        return "tunnel"
    if (folder / "bridge").exists():
        return "bridge"
    radio = _radio(folder)
    if radio is not None:
        return radio
    return "virtual" if "virtual" in folder.resolve().parts else "unknown"


def _devtype(folder: Path) -> str:
    for line in attribute(folder, "uevent").splitlines():
        key, _, value = line.partition("=")
        if key == "DEVTYPE":
            return value
    return ""
