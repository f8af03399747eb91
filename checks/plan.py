"""The address plan: inside means the prefix *and* the way to it.

A telephone also hands out 192.168.x.x, so an address alone is never inside.  A zone
names its prefixes and the ways that lead to them; the same prefix over another way is
outside.
"""

import functools
import ipaddress
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec

from checks.facts.connections import Egress, Gateway
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

LINK_LOCAL = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10")))
"""Of these, what speaks over a cable straight to another machine."""

MOBILE = ("usb_tether", "modem", "bluetooth", "infrared", "ppp")
"""Kinds of links that lead to a mobile network."""

_REMEMBERED = 2048
"""Addresses and prefixes kept parsed.  A machine speaks with few, again and again, and
parsing one costs more than all comparisons with it."""


_HOLES_MOST = 64
"""Each hole in a prefix makes up to 32 (IPv6: 128) prefixes of it."""


class Way(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One uplink that may carry a zone's traffic.

    `interface` is a link kind.  `gateway` names the next hop, and with it the link: a
    link whose routes do not use this gateway is another one, even for what is directly
    connected to it.  Empty: any link of the kind, and only what is directly connected.
    `gateway_mac` (with colons; whole, or the maker's first three octets) is compared when
    both sides know it.  `vlan` is the VLAN id of the link, 0 is not compared.
    """

    interface: str = "wired"
    gateway: str = ""
    gateway_mac: str = ""
    vlan: Annotated[int, msgspec.Meta(ge=0, le=4094)] = 0

    def carries(self, egress: Egress) -> bool:
        if egress.kind != self.interface or not egress.gateway_known:
            return False
        if self.vlan and egress.vlan != self.vlan:
            return False
        if not self.gateway:
            return not egress.gateway
        on_its_link = any(self._is(gateway) for gateway in egress.link_gateways)
        next_hop = Gateway(address=egress.gateway, mac=egress.gateway_mac)
        return on_its_link and (not egress.gateway or self._is(next_hop))

    def _is(self, gateway: Gateway) -> bool:
        known_macs = bool(self.gateway_mac and gateway.mac)
        return gateway.address == self.gateway and (
            not known_macs or same_mac(gateway.mac, self.gateway_mac)
        )


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Prefixes that belong to the hospital, and the ways that lead to them.

    `default`: what holds for a destination in the zone that no entry of the allow-list
    names; `deny` makes it a violation although it is inside.  `scanning`: what is done with
    media before they were scanned there (`checks.policy.scanning`), empty for the policy's.
    `side` tells a network that leads outside (外网) from the intranet (内网), for media that
    cross between them.
    """

    name: str
    prefixes: tuple[str, ...]
    via: tuple[Way, ...] = (Way(),)
    mode: str = ""
    scanning: Literal["", "observe", "warn", "hold"] = ""
    default: Literal["allow", "deny"] = "allow"
    side: Literal["internal", "external"] = "internal"

    @staticmethod
    def structs() -> tuple[type[msgspec.Struct], ...]:
        return (Zone, Way)

    @functools.cached_property
    def networks(self) -> tuple[Network, ...]:
        return tuple(ipaddress.ip_network(prefix) for prefix in self.prefixes)


class AddressPlan:
    """Answers where an address is, seen over a certain way.

    `forbidden` are prefixes that an entry of the allow-list forbids: they must be seen even
    where they are inside.
    """

    def __init__(self, zones: Iterable[Zone], *, forbidden: Iterable[Network] = ()) -> None:
        self._zones = tuple(zones)
        self._forbidden = tuple(forbidden)

    def zone_over(self, destination: str, egress: Egress) -> Zone | None:
        """The zone that holds this destination over this way, by the longest prefix, and
        the first in the policy of equals; None is outside.
        """
        address = parsed_address(destination)
        holding = [
            (network.prefixlen, zone)
            for zone in self._zones
            for network in zone.networks
            if address in network and any(way.carries(egress) for way in zone.via)
        ]
        return max(holding, key=lambda held: held[0])[1] if holding else None

    def zone_of(self, destination: str, egress: Egress) -> str | None:
        """Name of the zone that holds this destination over this way; None is outside."""
        zone = self.zone_over(destination, egress)
        return zone.name if zone else None

    def need_not_be_seen(self, destination: str, egress: Egress) -> bool:
        """Whether nothing that the policy says could make this destination a violation."""
        zone = self.zone_over(destination, egress)
        if zone is None or zone.default == "deny":
            return False
        address = parsed_address(destination)
        return not any(address in network for network in self._forbidden)

    def holds(self, address: str) -> bool:
        """Whether any zone has this address, whatever the way."""
        held = parsed_address(address)
        return any(held in network for network in self.prefixes)

    @functools.cached_property
    def prefixes(self) -> tuple[Network, ...]:
        return tuple(network for zone in self._zones for network in zone.networks)

    def knows_uplink(self, egress: Egress) -> bool:
        """Whether this way is one of the plan's own, whatever the destination."""
        return any(way.carries(egress) for zone in self._zones for way in zone.via)

    def leads_mobile(self, link: Link, routes: Iterable[Route]) -> bool:
        """Whether this link is a mobile uplink that no zone names as its way."""
        return link.kind in MOBILE and not self.knows_uplink(egress_over(link, None, routes))

    def prefixes_over(self, link: Link, routes: Iterable[Route]) -> tuple[Network, ...]:
        """Prefixes that are inside over this link with its present routes.

        What a packet filter on the link may drop unseen.  A prefix counts only when the
        link leads to it and every next hop that may be taken is one of its zone's ways;
        what is forbidden in it is left out.
        """
        every = tuple(routes)
        return tuple(
            part
            for zone in self._zones
            if zone.default == "allow"
            for network in zone.networks
            if _all_carried(zone, _egresses(link, network, every))
            for part in _without(network, self._seen_within(network))
        )

    def _seen_within(self, network: Network) -> list[Network]:
        """Parts of an inside prefix that must be seen: what is forbidden, and smaller
        zones that deny.  A denying zone around it does not count: the longer prefix wins.
        """
        denying = (
            inner
            for zone in self._zones
            if zone.default == "deny"
            for inner in zone.networks
            if inner.prefixlen >= network.prefixlen
        )
        return [inner for inner in (*self._forbidden, *denying) if _overlap(inner, network)]

    def intranet_links(self, network: NetworkState) -> tuple[Link, ...]:
        """Links that are up, have an address inside, and whose way the plan knows."""
        return tuple(
            link
            for link in network.links
            if link.up
            and link.carrier
            and any(self.holds(address.address) for address in link.addresses)
            and self.knows_uplink(egress_over(link, None, network.routes))
        )


@functools.lru_cache(maxsize=_REMEMBERED)
def parsed_address(text: str) -> IpAddress:
    """Raises ValueError."""
    return ipaddress.ip_address(text)


@functools.lru_cache(maxsize=_REMEMBERED)
def parsed_prefix(text: str) -> Network:
    """Raises ValueError, also when bits are set behind the prefix."""
    return ipaddress.ip_network(text)


@functools.lru_cache(maxsize=_REMEMBERED)
def is_local(destination: str) -> bool:
    """Whether an address cannot leave the segment it is used on."""
    address = parsed_address(destination)
    return any(address in network for network in LOCAL_ONLY)


@functools.lru_cache(maxsize=_REMEMBERED)
def is_link_local(destination: str) -> bool:
    """Whether it is an address of one machine that holds on its link only."""
    address = parsed_address(destination)
    return any(address in network for network in LINK_LOCAL)


def same_mac(known: str, listed: str) -> bool:
    """Whether a MAC is the listed one, or of the listed maker (its first three octets)."""
    return known == listed or known.lower().startswith(listed.lower())


def egress_over(link: Link, route: Route | None, routes: Iterable[Route]) -> Egress:
    """The way that a packet takes over this link by this one of all `routes`; None is
    what is directly connected.
    """
    gateways = {
        own.gateway: Gateway(address=own.gateway, mac=own.gateway_mac)
        for own in routes
        if own.interface == link.name and own.gateway
    }
    return Egress(
        interface=link.name,
        kind=link.kind,
        gateway=route.gateway if route else "",
        gateway_mac=route.gateway_mac if route else "",
        source_mac=link.mac,
        link_gateways=tuple(gateways.values()),
        vlan=link.vlan,
    )


def _egresses(link: Link, network: Network, routes: tuple[Route, ...]) -> list[Egress]:
    """Every way over this link that the routes would take to a part of the network."""
    return [
        egress_over(link, route, routes)
        for route in routes
        if route.interface == link.name and _overlaps(route, network)
    ]


def _overlaps(route: Route, network: Network) -> bool:
    return _overlap(parsed_prefix(route.destination), network)


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _without(network: Network, holes: list[Network]) -> tuple[Network, ...]:
    """The network without the holes; nothing of it when there are too many to cut out."""
    if len(holes) > _HOLES_MOST:
        return ()
    parts = [network]
    for hole in holes:
        parts = [left for part in parts for left in _cut(part, hole)]
    return tuple(parts)


def _cut(part: Network, hole: Network) -> Iterable[Network]:
    if not _overlap(part, hole):
        return (part,)
    if part.prefixlen >= hole.prefixlen:
        return ()
    return part.address_exclude(hole)  # type: ignore[arg-type] # of the same version: they overlap


def _all_carried(zone: Zone, egresses: list[Egress]) -> bool:
    return bool(egresses) and all(
        any(way.carries(egress) for way in zone.via) for egress in egresses
    )
