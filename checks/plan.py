"""The address plan: inside means the prefix *and* the way to it.

A telephone also hands out 192.168.x.x, so an address alone is never inside.  A zone
names its prefixes and the ways that lead to them; the same prefix over another way is
outside.
"""

import functools
import ipaddress
from collections.abc import Iterable, Iterator

import msgspec

from checks.facts.connections import Egress
from checks.facts.network import Link, NetworkState, Route

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

LOCAL_ONLY = tuple(
    ipaddress.ip_network(prefix)
    for prefix in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "::1/128",
        "fe80::/10",
        "ff00::/8",
    )
)
"""Loopback, link-local, multicast and broadcast never leave the segment: RFC 6890,
RFC 4291 section 2.4 to 2.7."""


class Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One uplink that may carry a zone's traffic.

    `interface` is a link kind.  `gateway` empty: only what is directly connected.
    `gateway_mac` (lower case, colons) is compared when both sides know it.
    """

    interface: str = "wired"
    gateway: str = ""
    gateway_mac: str = ""

    def carries(self, egress: Egress) -> bool:
        if egress.kind != self.interface or not egress.gateway_known:
            return False
        if egress.gateway and egress.gateway != self.gateway:
            return False
        known_macs = bool(egress.gateway and self.gateway_mac and egress.gateway_mac)
        return not known_macs or egress.gateway_mac == self.gateway_mac


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Prefixes that belong to the hospital, and the ways that lead to them."""

    name: str
    prefixes: tuple[str, ...]
    via: tuple[Way, ...] = (Way(),)
    mode: str = ""

    @staticmethod
    def structs() -> tuple[type[msgspec.Struct], ...]:
        return (Zone, Way)

    @functools.cached_property
    def networks(self) -> tuple[Network, ...]:
        return tuple(ipaddress.ip_network(prefix) for prefix in self.prefixes)


class AddressPlan:
    """Answers where an address is, seen over a certain way."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        self._zones = tuple(zones)

    def zone_of(self, destination: str, egress: Egress) -> str | None:
        """Name of the zone that holds this destination over this way; None is outside."""
        address = ipaddress.ip_address(destination)
        for zone in self._zones:
            held = any(address in network for network in zone.networks)
            if held and any(way.carries(egress) for way in zone.via):
                return zone.name
        return None

    def holds(self, address: str) -> bool:
        """Whether any zone has this address, whatever the way."""
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in self.prefixes)

    @functools.cached_property
    def prefixes(self) -> tuple[Network, ...]:
        return tuple(network for zone in self._zones for network in zone.networks)

    def knows_uplink(self, egress: Egress) -> bool:
        """Whether this way is one of the plan's own, whatever the destination."""
        return any(way.carries(egress) for zone in self._zones for way in zone.via)

    def prefixes_over(self, link: Link, routes: Iterable[Route]) -> tuple[Network, ...]:
        """Prefixes that are inside over this link with its present routes.

        What a packet filter on the link may drop unseen.  A zone counts only when
        every next hop that the routes would take to its prefixes is one of its ways.
        """
        own = [route for route in routes if route.interface == link.name]
        return tuple(
            network
            for zone in self._zones
            for network in zone.networks
            if all(
                any(way.carries(egress_over(link, route)) for way in zone.via)
                for route in _leading_to(network, own)
            )
            and _reachable(zone, link, network, own)
        )

    def intranet_links(self, network: NetworkState) -> tuple[Link, ...]:
        """Links that are up, with an address inside, and whose way the plan knows."""
        return tuple(link for link in network.links if self._is_intranet(link, network))

    def _is_intranet(self, link: Link, network: NetworkState) -> bool:
        if not (link.up and link.carrier):
            return False
        inside = [a for a in link.addresses if self.holds(a.address)]
        on_link = Egress(interface=link.name, kind=link.kind)
        if not inside or not any(
            way.interface == link.kind for zone in self._zones for way in zone.via
        ):
            return False
        defaults = [r for r in network.routes if r.interface == link.name and r.is_default]
        return self.knows_uplink(on_link) and all(
            self.knows_uplink(egress_over(link, route)) for route in defaults
        )


def is_local(destination: str) -> bool:
    """Whether an address cannot leave the segment it is used on."""
    address = ipaddress.ip_address(destination)
    return any(address in network for network in LOCAL_ONLY)


def egress_over(link: Link, route: Route) -> Egress:
    """The way that a packet takes by this route."""
    return Egress(
        interface=link.name,
        kind=link.kind,
        gateway=route.gateway,
        gateway_mac=route.gateway_mac,
        source_mac=link.mac,
    )


def _leading_to(network: Network, routes: Iterable[Route]) -> Iterator[Route]:
    for route in routes:
        destination = ipaddress.ip_network(route.destination)
        if destination.version == network.version and destination.overlaps(network):
            yield route


def _reachable(zone: Zone, link: Link, network: Network, routes: list[Route]) -> bool:
    return any(way.interface == link.kind for way in zone.via) and any(_leading_to(network, routes))
