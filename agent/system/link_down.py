"""Takes a link down, and brings it up again as it was.

The kernel forgets a link's routes when it goes down, and its IPv6 addresses, too (man 8
ip-address; net/ipv6/addrconf.c), so they are kept here as the kernel itself described them and
handed back in its own words, as `ip address restore` and `ip route restore` do.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Annotated

import msgspec

from agent.system.netlink import (
    GETADDR,
    GETNEIGH,
    GETROUTE,
    IFF_UP,
    NEWADDR,
    NEWLINK,
    NEWNEIGH,
    NEWROUTE,
)
from agent.system.nlmsg import CREATE, Order, Questions, attributes

_MOST = 4096
_LINK = struct.Struct("=BxHiII")  # ifinfomsg
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg
_NEIGHBOUR = struct.Struct("=BxxxiHBB")  # ndmsg
_RTA_OIF, _RTA_GATEWAY, _RTA_CACHEINFO = 4, 5, 12
_EXPIRES = slice(8, 12)  # of struct rta_cacheinfo
_UNICAST, _KERNEL, _ONLINK = 1, 2, 4  # RTN_UNICAST, RTPROT_KERNEL, RTNH_F_ONLINK
_PERMANENT = 0x80  # NUD_PERMANENT

Said = Annotated[
    tuple[Annotated[bytes, msgspec.Meta(max_length=8192)], ...], msgspec.Meta(max_length=_MOST)
]
"""Payloads of rtnetlink messages."""


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel forgets of the link `index`."""

    index: int
    addresses: Said = ()
    routes: Said = ()
    neighbours: Said = ()


def configured(index: int) -> Configured:
    """As it is now.  Raises OSError."""
    with closing(Questions(socket.NETLINK_ROUTE)) as kernel:
        return Configured(
            index=index,
            addresses=tuple(_addresses(kernel, index)),
            routes=tuple(_routes(kernel, index)),
            neighbours=tuple(_neighbours(kernel, index)),
        )


def take_down(index: int) -> None:
    """Raises OSError; ENODEV where no such link is (any more)."""
    with closing(Questions(socket.NETLINK_ROUTE)) as kernel:
        kernel.order(_switch(index, up=False))


def bring_up(before: Configured) -> None:
    """Up, and with what it had; what has come back by itself stays as it is.

    Raises:
        OSError: the first refusal, after everything else was tried; ENODEV where the link
            is gone.
    """
    refused: OSError | None = None
    with closing(Questions(socket.NETLINK_ROUTE)) as kernel:
        kernel.order(_switch(before.index, up=True))
        for order in _restoring(before):
            try:
                kernel.order(order)
            except OSError as refusal:
                if refusal.errno != errno.EEXIST:
                    refused = refused or refusal
    if refused:
        raise refused


def index_of(interface: str) -> int | None:
    """None where no link is called so."""
    try:
        return socket.if_nametoindex(os.fsencode(interface))  # type: ignore[arg-type] # bytes, too: the name as the kernel has it
    except OSError:
        return None


def _switch(index: int, *, up: bool) -> Order:
    return Order(NEWLINK, _LINK.pack(socket.AF_UNSPEC, 0, index, IFF_UP if up else 0, IFF_UP))


def _restoring(before: Configured) -> Iterator[Order]:
    """The kernel lists an address of IPv6 before those that it had already, so the last comes
    first.  A gateway is taken only when it can be reached, so direct routes go before.
    """
    for address in reversed(before.addresses):
        yield Order(NEWADDR, address, CREATE)
    for route in sorted(before.routes, key=_has_gateway):
        yield Order(NEWROUTE, route, CREATE)
    for neighbour in before.neighbours:
        yield Order(NEWNEIGH, neighbour, CREATE)


def _has_gateway(route: bytes) -> bool:
    return _RTA_GATEWAY in attributes(route, _ROUTE.size)


def _addresses(kernel: Questions, index: int) -> Iterator[bytes]:
    """Of IPv6 only: those of IPv4 stay on a link that is down."""
    for message in kernel.dump(GETADDR, _ADDRESS.pack(socket.AF_INET6, 0, 0, 0, 0)):
        family, _, _, _, own = _ADDRESS.unpack_from(message.payload)
        if family == socket.AF_INET6 and own == index:
            yield message.payload


def _routes(kernel: Questions, index: int) -> Iterator[bytes]:
    """Of every table; without those that the kernel makes itself, and those that expire,
    which the next router advertisement brings back.
    """
    for message in kernel.dump(GETROUTE, _ROUTE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0)):
        head = _ROUTE.unpack_from(message.payload)
        values = attributes(message.payload, _ROUTE.size)
        family, protocol, kind, flags = head[0], head[5], head[7], head[8]
        through = struct.pack("=i", index) in (values.get(_RTA_OIF), *_hops(values))
        expires = any(values.get(_RTA_CACHEINFO, b"")[_EXPIRES])
        known = family in (socket.AF_INET, socket.AF_INET6) and kind == _UNICAST
        if known and through and protocol != _KERNEL and not expires:
            yield _ROUTE.pack(*head[:8], flags & _ONLINK) + message.payload[_ROUTE.size :]


def _hops(values: dict[int, bytes]) -> Iterable[bytes]:
    """Interfaces of a route with several next hops (struct rtnexthop), packed."""
    several, offset = values.get(9, b""), 0
    while offset + 8 <= len(several):
        length = int.from_bytes(several[offset : offset + 2], "little")
        if length < 8:
            return
        yield several[offset + 4 : offset + 8]
        offset += (length + 3) & ~3


def _neighbours(kernel: Questions, index: int) -> Iterator[bytes]:
    """Those that somebody has written down; what was learned is learned again."""
    for message in kernel.dump(GETNEIGH, _NEIGHBOUR.pack(0, 0, 0, 0, 0)):
        family, own, state, _, _ = _NEIGHBOUR.unpack_from(message.payload)
        known = family in (socket.AF_INET, socket.AF_INET6)
        if known and own == index and state & _PERMANENT:
            yield message.payload
