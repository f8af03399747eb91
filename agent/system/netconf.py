"""Which links pass packets on: the kernel's per-link settings over rtnetlink.

linux/netconf.h; net.ipv4.conf.*.forwarding, net.ipv6.conf.*.forwarding and force_forwarding of
Documentation/networking/ip-sysctl.rst, announced when they change.
"""

import socket
import struct
import sys
from collections.abc import Iterable, Iterator

from agent.system.nlmsg import Announcements, Message, Questions, attributes

_GETNETCONF = 82
_GROUPS = 1 << (24 - 1) | 1 << (25 - 1)  # RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF
_FAMILY = struct.Struct("=Bxxx")
_IFINDEX, _FORWARDING, _FORCE_FORWARDING = 1, 2, 9
_ALL_LINKS = -1


class ForwardingSettings:
    """Asked when wanted; `announcements` says when that may be."""

    def __init__(self) -> None:
        self._questions = Questions(socket.NETLINK_ROUTE)

    def ipv4(self) -> frozenset[int]:
        """Indexes of links whose incoming packets are passed on (IN_DEV_FORWARD)."""
        dump = self._questions.dump(_GETNETCONF, _FAMILY.pack(socket.AF_INET))
        return parse_ipv4(dump)

    def ipv6(self) -> frozenset[int]:
        """The same for IPv6; empty where the kernel has none."""
        try:
            dump = self._questions.dump(_GETNETCONF, _FAMILY.pack(socket.AF_INET6))
        except OSError:
            return frozenset()  # ipv6.disable=1
        return parse_ipv6(dump)

    def close(self) -> None:
        self._questions.close()


def announcements() -> Announcements:
    return Announcements(socket.NETLINK_ROUTE, _GROUPS)


def parse_ipv4(dump: Iterable[Message]) -> frozenset[int]:
    return frozenset(index for index, row in _rows(dump) if index > 0 and _flag(row, _FORWARDING))


def parse_ipv6(dump: Iterable[Message]) -> frozenset[int]:
    """ip6_forward (net/ipv6/ip6_output.c) asks the setting of all links and nothing of the one;
    only a link that is forced (since Linux 6.17) forwards by itself.
    """
    rows = dict(_rows(dump))
    every = _flag(rows.get(_ALL_LINKS, {}), _FORWARDING)
    return frozenset(
        index
        for index, row in rows.items()
        if index > 0 and (every or _flag(row, _FORCE_FORWARDING))
    )


def _rows(dump: Iterable[Message]) -> Iterator[tuple[int, dict[int, bytes]]]:
    for message in dump:
        row = attributes(message.payload, _FAMILY.size)
        if index := row.get(_IFINDEX):
            yield struct.unpack("=i", index[:4])[0], row


def _flag(row: dict[int, bytes], kind: int) -> bool:
    return bool(int.from_bytes(row.get(kind, b"")[:4], sys.byteorder))
