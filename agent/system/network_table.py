"""The network as the agent knows it: netlink's tables with the kind of every link.

Announcements only say that something changed; what counts is always read from the
kernel's tables, so that a change that was not announced (IPv4 routes vanish silently
with their link) cannot be missed.
"""

import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from types import MappingProxyType

import msgspec

from agent.system.linkkind import LOOPBACK_IFINDEX
from agent.system.links import LinkReader
from agent.system.netlink import (
    NEWNEIGH,
    NUD_WITNESS,
    AddressRow,
    LinkRow,
    NeighbourRow,
    RouteTables,
    announcements,
    changed_tables,
    parse_neighbour,
)
from agent.system.nlmsg import Change, Overrun
from checks.facts.connections import Egress
from checks.facts.network import Link, Neighbour, NetworkState, Origin, Route
from checks.links import is_guest
from checks.plan import egress_over

_MAIN_TABLE = 254
_LONGEST_WITH_BROADCAST = 30  # RFC 3021
_EGRESSES_KEPT = 8192
_ORIGINS: Mapping[int, Origin] = MappingProxyType(
    {2: "kernel", 3: "static", 4: "static", 9: "router_advertisement", 16: "dhcp"}
)
"""RTPROT_KERNEL, BOOT (what `ip route add` leaves), STATIC, RA, DHCP of linux/rtnetlink.h."""


class NetworkTable:
    """Links, addresses and routes, kept current by `refresh`.  One thread only."""

    def __init__(self, sysfs: Path = Path("/sys"), proc: Path = Path("/proc")) -> None:
        self._reader = LinkReader(sysfs, proc)
        self._tables = RouteTables()
        self._announcements = announcements()
        self._gateway_macs: dict[tuple[int, str], str] = {}
        self._egresses: dict[tuple[int, str], Egress] = {}
        self._links: dict[int, Link] = {}
        self.state = NetworkState(links=(), routes=())
        self.broadcasts: frozenset[str] = frozenset()
        self.own_addresses: frozenset[str] = frozenset()
        self._own_now: frozenset[str] = frozenset()
        self.enslaved: frozenset[int] = frozenset()
        self.reread()

    def fileno(self) -> int:
        return self._announcements.fileno()

    def refresh(self) -> Change:
        """Reads what was announced; the tables again if they may have changed."""
        dirty = overrun = False
        try:
            for message in self._announcements.drain():
                if changed_tables(message):
                    dirty = True
                elif message.type == NEWNEIGH:
                    dirty |= self._gateway_moved(parse_neighbour(message.payload))
        except Overrun:
            dirty = overrun = True
        if not dirty:
            return Change(changed=False, overrun=False)
        self._egresses.clear()  # a rule of policy routing shows in no table
        return Change(changed=self.reread(), overrun=overrun)

    def reread(self) -> bool:
        """All tables anew; whether anything is different."""
        links = {row.index: row for row in self._tables.links()}
        addresses = self._tables.addresses()
        routes = self._routes(links)
        facts = self._reader.links(tuple(links.values()), addresses)
        found = NetworkState(links=facts, routes=routes)
        self.broadcasts = frozenset(_broadcasts(addresses))
        now_own = frozenset(row.address for row in addresses)
        self.own_addresses = now_own | self._own_now  # packets of one that left may wait
        self._own_now = now_own
        self.enslaved = frozenset(row.index for row in links.values() if row.master)
        both = (*self.state.links, *found.links)  # packets of a link that left may wait
        self._links = {link.index: link for link in both}
        changed = found != self.state
        if changed:
            self._egresses.clear()
            self.state = found
        return changed

    def witnesses(self) -> tuple[Neighbour, ...]:
        """Neighbours that answered lately, and when they did."""
        names = {link.index: link.name for link in self.state.links}
        now_us = time.time_ns() // 1000
        return tuple(
            Neighbour(
                address=row.address,
                mac=row.mac,
                interface=names[row.index],
                heard_us=now_us - int(row.confirmed_s * 1_000_000),
            )
            for row in self._tables.neighbours()
            if row.state & NUD_WITNESS and row.mac and row.index in names
        )

    def egress(self, index: int, address: str) -> Egress:
        """The way to this address over this link, also when the link has just left."""
        known = self._egresses.get((index, address))
        if known is None:
            if len(self._egresses) >= _EGRESSES_KEPT:
                self._egresses.clear()
            known = self._egresses[index, address] = self._way(index, address)
        return known

    def as_known_now(self, way: Egress, address: str) -> Egress:
        """A way that was looked up before its gateway's MAC was known, looked up again.  The
        kernel sends the packet that waited for the MAC before it tells of the MAC.
        """
        if not way.gateway or way.gateway_mac:
            return way
        links = [index for index, link in self._links.items() if link.name == way.interface]
        found = self.egress(links[-1], address) if links else way
        return found if found.gateway == way.gateway else way

    def link_with(self, address: str) -> int | None:
        """Index of the link that holds this own address; None when none does."""
        for link in self.state.links:
            if link.kind != "loopback" and any(a.address == address for a in link.addresses):
                return link.index
        return None

    def is_guest(self, index: int, address: str) -> bool:
        """Whether this is a guest behind the link: `checks.links.is_guest`."""
        link = self._links.get(index)
        return link is not None and is_guest(link, address)

    def close(self) -> None:
        self._announcements.close()
        self._tables.close()

    def _way(self, index: int, address: str) -> Egress:
        link = self._links.get(index)
        if link is None:
            return Egress(interface=f"#{index}", kind="unknown", gateway_known=False)
        fitting = _fitting(address, link, self.state.routes)
        if fitting and all(route.table == _MAIN_TABLE for route in fitting):
            return egress_over(link, fitting[0], self.state.routes)
        return self._asked_way(link, address)

    def _asked_way(self, link: Link, address: str) -> Egress:
        """What policy routing would do, in the kernel's own words."""
        row = self._tables.route_to(address, link.index)
        if row is None:
            way = egress_over(link, None, self.state.routes)
            return msgspec.structs.replace(way, gateway_known=False)
        mac = self._gateway_macs.get((row.index, row.gateway), "")
        route = Route(
            destination=row.destination, interface=link.name, gateway=row.gateway, gateway_mac=mac
        )
        return egress_over(link, route, self.state.routes)

    def _routes(self, links: dict[int, LinkRow]) -> tuple[Route, ...]:
        rows = [row for row in self._tables.routes() if row.index in links]
        self._learn_gateways({(row.index, row.gateway) for row in rows if row.gateway})
        return tuple(
            Route(
                destination=row.destination,
                interface=links[row.index].name,
                gateway=row.gateway,
                gateway_mac=self._gateway_macs.get((row.index, row.gateway), ""),
                metric=row.metric,
                table=row.table,
                origin=_ORIGINS.get(row.protocol, "other"),
            )
            for row in rows
        )

    def _learn_gateways(self, gateways: set[tuple[int, str]]) -> None:
        """A gateway keeps its last known MAC while the neighbour table forgets it."""
        kept = {key: mac for key, mac in self._gateway_macs.items() if key in gateways}
        for row in self._tables.neighbours() if gateways else ():
            if (row.index, row.address) in gateways and row.usable:
                kept[row.index, row.address] = row.mac
        self._gateway_macs = dict.fromkeys(gateways, "") | kept

    def _gateway_moved(self, row: NeighbourRow | None) -> bool:
        if row is None or not row.usable:
            return False
        return self._gateway_macs.get((row.index, row.address), row.mac) != row.mac


def _broadcasts(addresses: Iterable[AddressRow]) -> Iterable[str]:
    """Directed broadcast addresses of the own subnets.  Root may declare any address to be
    one: what lies outside the subnet, or belongs to the loopback, is not believed.
    """
    for row in addresses:
        if ":" in row.address or row.prefix_length > _LONGEST_WITH_BROADCAST:
            continue
        if row.index == LOOPBACK_IFINDEX:
            continue
        network = ip_network(f"{row.address}/{row.prefix_length}", strict=False)
        yield str(network.broadcast_address)
        if row.broadcast and ip_address(row.broadcast) in network:
            yield row.broadcast


def _fitting(address: str, link: Link, routes: Iterable[Route]) -> list[Route]:
    """Routes of this link that hold the address: longest prefix first, then metric."""
    target: IPv4Address | IPv6Address = ip_address(address)
    holding = [
        (ip_network(route.destination), route) for route in routes if route.interface == link.name
    ]
    holding = [(network, route) for network, route in holding if target in network]
    holding.sort(key=lambda pair: (-pair[0].prefixlen, pair[1].metric))
    return [route for _, route in holding]
