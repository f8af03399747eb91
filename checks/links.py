"""What kind of way a link is: which rule speaks about it, and whether it leads out at all.

Every link is one rule's business, so that one device is one case: telephones and modems
EXT-04, Wi-Fi EXT-05, tunnels EXT-08, everything else with another end EXT-03.
"""

from collections.abc import Iterable
from ipaddress import ip_network

from checks.facts.network import Link, NetworkState, Route, Wifi
from checks.plan import MOBILE, AddressPlan, egress_over, is_local, parsed_address
from checks.policy.network import ListedSsid, Wireless

TUNNELS = ("tunnel", "pppoe")
BRIDGES = ("bridge", "openvswitch")
"""Drivers of links that join their ports (rtnetlink's IFLA_INFO_KIND)."""
INSIDE_ONLY = ("dummy", "ifb", "nlmon", "vrf")
"""Drivers of virtual links that have no other end at all."""


def has_outer_end(link: Link) -> bool:
    """Whether what is sent over this link can come out of the machine.

    A bridge without a hardware port ends at its guests, as do the host-only networks of
    VMware and VirtualBox: virtual links that no driver of the kernel's own has made.
    """
    if link.kind == "virtual":
        return bool(link.driver) and link.driver not in INSIDE_ONLY
    return link.kind not in ("loopback", "bridge")


def is_strange(link: Link, network: NetworkState, plan: AddressPlan) -> bool:
    """Whether what never leaves this link's segment leaves the hospital all the same: its
    other end is somebody's device, and no part of the intranet.

    A telephone's link is; another only beside the intranet's, because a ward whose DHCP
    server is down speaks link-local, too.
    """
    if not link.up or not has_outer_end(link) or is_port(link) or not plan.prefixes:
        return False
    if link.kind in TUNNELS or plan.knows_uplink(egress_over(link, None, network.routes)):
        return False
    if link.kind in MOBILE:
        return True
    inside = plan.intranet_links(network)
    below = {other.lower for other in network.links if other.lower}
    rides = {link.name, link.lower} & {name for own in inside for name in (own.name, own.lower)}
    return bool(inside) and link.name not in below and not (rides - {""})


def is_guest(link: Link, address: str) -> bool:
    """Whether it is a container or virtual machine of this machine: a private address on the
    subnet of a link that ends inside.  What it sends further is judged where it leaves.
    """
    guest = parsed_address(address)
    if has_outer_end(link) or not guest.is_private:
        return False
    return any(
        guest in ip_network(f"{own.address}/{own.prefix_length}", strict=False)
        for own in link.addresses
    )


def is_port(link: Link) -> bool:
    """Whether it belongs to a bridge or bond, which has the addresses and is judged."""
    return bool(link.master)


def own_addresses(link: Link) -> tuple[str, ...]:
    """Its addresses that lead further than the segment."""
    return tuple(a.address for a in link.addresses if not is_local(a.address))


def is_default_route(link: Link, routes: Iterable[Route]) -> bool:
    return any(route.interface == link.name and route.is_default for route in routes)


def serves_others(link: Link) -> bool:
    """Whether it is an access point."""
    return link.wifi is not None and link.wifi.mode == "access_point"


def listed(wifi: Wifi, wireless: Wireless) -> bool:
    """Whether the policy lists the network that this station is connected to."""
    return any(_fits(entry, wifi) for entry in wireless.listed)


def ports_of(master: Link, network: NetworkState) -> tuple[Link, ...]:
    return tuple(link for link in network.links if link.master == master.name)


def _fits(entry: ListedSsid, wifi: Wifi) -> bool:
    by_address = not entry.bssids or any(
        wifi.bssid.lower().startswith(bssid.lower()) for bssid in entry.bssids
    )
    same_way = not entry.authentication or entry.authentication == wifi.authentication
    return entry.ssid == wifi.ssid and by_address and same_way
