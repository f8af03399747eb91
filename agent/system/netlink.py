"""rtnetlink: links, addresses, routes and neighbours of this network namespace.

man 7 rtnetlink; linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h.
Parsers take payloads; `RouteTables` asks the kernel.
"""

import os
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.system.nlmsg import Announcements, Message, Questions, attribute, attributes

NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
NEWRULE, DELRULE = 32, 33

IFF_UP, IFF_LOWER_UP = 0x1, 0x10000
NUD_WITNESS = 0x02 | 0x08 | 0x10  # REACHABLE, DELAY, PROBE
_NUD_USABLE = 0x02 | 0x04 | 0x08 | 0x10 | 0x40 | 0x80  # and STALE, NOARP, PERMANENT

GROUPS = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x40000
"""RTMGRP_LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE, IPV6_IFADDR, IPV6_ROUTE, and
RTNLGRP_IPV6_RULE, which is group 19."""

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINK, _IFLA_MASTER = 1, 3, 5, 10
_IFLA_LINKINFO, _IFLA_EXT_MASK, _IFLA_LINK_NETNSID = 18, 29, 37
_IFLA_INFO_KIND, _IFLA_INFO_DATA = 1, 2
_IFLA_VLAN_ID = 1
_SKIP_STATISTICS = 8  # RTEXT_FILTER_SKIP_STATS
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY = 1, 4, 5, 6
_RTA_MULTIPATH, _RTA_TABLE, _RTA_VIA = 9, 15, 18
_NDA_DST, _NDA_LLADDR, _NDA_CACHEINFO = 1, 2, 3
_TICKS = os.sysconf("SC_CLK_TCK")
"""Of struct nda_cacheinfo, in a second."""
_RTN_UNICAST = 1
_RTM_F_CLONED = 0x200
_TABLE_LOCAL = 255

_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_NEXT_HOP = struct.Struct("=HBBi")
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}


@dataclass(frozen=True, slots=True)
class LinkRow:
    """`arphrd` is ARPHRD_* of linux/if_arp.h; `rtnl_kind` IFLA_INFO_KIND (`veth`,
    `bridge`), empty for hardware; `lower` and `master` are interface indexes or 0;
    `vlan` is the id of an IEEE 802.1Q link, else 0.
    """

    index: int
    name: str
    arphrd: int
    flags: int
    mac: str
    rtnl_kind: str
    lower: int
    master: int
    vlan: int = 0


@dataclass(frozen=True, slots=True)
class AddressRow:
    index: int
    address: str
    prefix_length: int
    scope: str
    broadcast: str


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One next hop of a unicast route; `gateway` empty when directly connected; `protocol`
    is who set it, RTPROT_* of linux/rtnetlink.h.
    """

    destination: str
    index: int
    gateway: str
    metric: int
    table: int
    protocol: int = 0


@dataclass(frozen=True, slots=True)
class NeighbourRow:
    """`mac` is empty while it is not resolved; `state` is NUD_*; `confirmed_s` how many
    seconds ago the neighbour itself last proved to be there.
    """

    index: int
    address: str
    mac: str
    state: int
    confirmed_s: float = 0.0

    @property
    def usable(self) -> bool:
        return bool(self.mac) and bool(self.state & _NUD_USABLE)


class RouteTables:
    """The kernel's tables, asked when wanted."""

    def __init__(self) -> None:
        self._questions = Questions(socket.NETLINK_ROUTE)

    def links(self) -> list[LinkRow]:
        mask = attribute(_IFLA_EXT_MASK, struct.pack("=I", _SKIP_STATISTICS))
        dump = self._questions.dump(GETLINK, _LINK.pack(0, 0, 0, 0, 0) + mask)
        return [row for message in dump if (row := parse_link(message.payload))]

    def addresses(self) -> list[AddressRow]:
        dump = self._questions.dump(GETADDR, _ADDRESS.pack(0, 0, 0, 0, 0))
        return [row for message in dump if (row := parse_address(message.payload))]

    def routes(self) -> list[RouteRow]:
        dump = self._questions.dump(GETROUTE, _ROUTE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0))
        return [row for message in dump for row in parse_route(message.payload)]

    def neighbours(self) -> list[NeighbourRow]:
        dump = self._questions.dump(GETNEIGH, _NEIGHBOUR.pack(0, 0, 0, 0, 0))
        return [row for message in dump if (row := parse_neighbour(message.payload))]

    def route_to(self, destination: str, index: int) -> RouteRow | None:
        """The kernel's own answer for this destination over this link; None when it
        has none.
        """
        family = socket.AF_INET6 if ":" in destination else socket.AF_INET
        address = socket.inet_pton(family, destination)
        body = _ROUTE.pack(family, len(address) * 8, 0, 0, 0, 0, 0, 0, 0)
        body += attribute(_RTA_DST, address) + attribute(_RTA_OIF, struct.pack("=i", index))
        try:
            answer = self._questions.one(GETROUTE, body)
        except OSError:
            return None  # unreachable over this link is an answer too
        return next(parse_route(answer.payload, cloned=True), None)

    def close(self) -> None:
        self._questions.close()


def announcements() -> Announcements:
    """Changes of all tables; what changed is to be asked again."""
    return Announcements(socket.NETLINK_ROUTE, GROUPS)


def changed_tables(message: Message) -> bool:
    """Whether a message may change links, addresses, routes or which table they are
    looked up in.

    Bridge ports announce themselves in the same group with family AF_BRIDGE, and
    wireless drivers repeat their link for each scan; a re-read costs less than to tell
    them apart.
    """
    return message.type not in (NEWNEIGH, DELNEIGH)


def parse_link(payload: bytes) -> LinkRow | None:
    """None for what is not an interface itself (a bridge port's second row)."""
    family, arphrd, index, flags, _ = _LINK.unpack_from(payload)
    if family != socket.AF_UNSPEC:
        return None
    values = attributes(payload, _LINK.size)
    elsewhere = _IFLA_LINK_NETNSID in values
    info = attributes(values.get(_IFLA_LINKINFO, b""), 0)
    kind = _text(info.get(_IFLA_INFO_KIND, b""))
    return LinkRow(
        index=index,
        name=_text(values.get(_IFLA_IFNAME, b"")),
        arphrd=arphrd,
        flags=flags,
        mac=values.get(_IFLA_ADDRESS, b"").hex(":"),
        rtnl_kind=kind,
        lower=0 if elsewhere else _number(values.get(_IFLA_LINK)),
        master=_number(values.get(_IFLA_MASTER)),
        vlan=_vlan(info.get(_IFLA_INFO_DATA, b"")) if kind == "vlan" else 0,
    )


def parse_address(payload: bytes) -> AddressRow | None:
    family, length, _, scope, index = _ADDRESS.unpack_from(payload)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    values = attributes(payload, _ADDRESS.size)
    own = values.get(_IFA_LOCAL) or values.get(_IFA_ADDRESS)
    if not own:
        return None
    return AddressRow(
        index=index,
        address=_address(own),
        prefix_length=length,
        scope=_SCOPES.get(scope, str(scope)),
        broadcast=_address(values.get(_IFA_BROADCAST, b"")),
    )


def parse_route(payload: bytes, *, cloned: bool = False) -> Iterator[RouteRow]:
    """One row per next hop; nothing for local, broadcast, multicast and blackhole
    routes.  `cloned`: also the kernel's answer to a single question.
    """
    family, length, _, _, table, protocol, _, kind, flags = _ROUTE.unpack_from(payload)
    values = attributes(payload, _ROUTE.size)
    table = _number(values.get(_RTA_TABLE)) or table
    wanted = kind == _RTN_UNICAST and family in (socket.AF_INET, socket.AF_INET6)
    if not wanted or table == _TABLE_LOCAL or (flags & _RTM_F_CLONED and not cloned):
        return
    anywhere = "0.0.0.0" if family == socket.AF_INET else "::"  # noqa: S104 - a prefix, nothing is bound
    destination = _address(values.get(_RTA_DST, b"")) or anywhere
    for index, hop in _next_hops(values):
        yield RouteRow(
            destination=f"{destination}/{length}",
            index=index,
            gateway=_gateway(hop),
            metric=_number(values.get(_RTA_PRIORITY)),
            table=table,
            protocol=protocol,
        )


def parse_neighbour(payload: bytes) -> NeighbourRow | None:
    family, index, state, _, _ = _NEIGHBOUR.unpack_from(payload)
    values = attributes(payload, _NEIGHBOUR.size)
    if family not in (socket.AF_INET, socket.AF_INET6) or _NDA_DST not in values:
        return None
    return NeighbourRow(
        index=index,
        address=_address(values[_NDA_DST]),
        mac=values.get(_NDA_LLADDR, b"").hex(":"),
        state=state,
        confirmed_s=_number(values.get(_NDA_CACHEINFO, b"")[:4]) / _TICKS,
    )


def _vlan(information: bytes) -> int:
    identifier = attributes(information, 0).get(_IFLA_VLAN_ID, b"")
    return int.from_bytes(identifier[:2], sys.byteorder)


def _next_hops(values: dict[int, bytes]) -> Iterable[tuple[int, dict[int, bytes]]]:
    several = values.get(_RTA_MULTIPATH)
    if several is None:
        yield _number(values.get(_RTA_OIF)), values
        return
    offset = 0
    while offset + _NEXT_HOP.size <= len(several):
        length, _, _, index = _NEXT_HOP.unpack_from(several, offset)
        if length < _NEXT_HOP.size:
            return
        yield index, attributes(several[: offset + length], offset + _NEXT_HOP.size)
        offset += (length + 3) & ~3


def _gateway(hop: dict[int, bytes]) -> str:
    via = hop.get(_RTA_VIA, b"")[2:]  # an address family in front
    return _address(hop.get(_RTA_GATEWAY) or via)


def _address(packed: bytes) -> str:
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    return socket.inet_ntop(socket.AF_INET6, packed) if len(packed) == 16 else ""


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")


def _number(value: bytes | None) -> int:
    return int.from_bytes(value[:4], sys.byteorder) if value else 0
