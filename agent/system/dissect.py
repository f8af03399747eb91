"""From the bytes of an IP packet to what a flow table needs.

RFC 791, 8200 (extension headers), 9293 (TCP), 768, 792 and 4443 (ICMP).  Pure.
"""

import socket
import struct
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from agent.system.services import TUNNELS, carried_in

ETH_IPV4, ETH_IPV6 = 0x0800, 0x86DD
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58

_WITH_PORTS = frozenset((TCP, UDP, 33, 132, 136))  # and DCCP, SCTP, UDP-Lite
_SYN, _RST, _ACK = 0x02, 0x04, 0x10
_ECHO_REQUESTS = {ICMP: 8, ICMPV6: 128}
_ECHO_REPLIES = {ICMP: 0, ICMPV6: 129}
_ERRORS = {ICMP: frozenset((3, 11, 12)), ICMPV6: frozenset((1, 2, 3, 4))}
_REDIRECT = 5
_DISCOVERY = range(133, 138)
_NEVER_FORWARDED = 255
"""Hop limit of genuine neighbour discovery (RFC 4861 section 7.1); what came past a router
has a lower one, and is a message like any other.  Multicast listeners speak link-local.
"""

VLAN_TAGS = frozenset((0x8100, 0x88A8, 0x9100))
"""EtherTypes of IEEE 802.1Q, 802.1ad, and what came before it."""
_TAGS_FOLLOWED, _TAG_LENGTH = 4, 4
_SHORTEST_IPV4, _LONGEST_IPV4 = 0x45, 0x4F  # version and header length
_IPV4_HEADER, _IPV6_HEADER = 20, 40  # bytes at least
_HOP_LIMIT = 7  # offset in an IPv6 header
_VERSIONS = {ETH_IPV4: 4, ETH_IPV6: 6}

_FRAGMENT, _AUTHENTICATION = 44, 51
_EXTENSIONS = frozenset((0, 43, 60, _FRAGMENT, _AUTHENTICATION, 135, 139, 140))
_EXTENSIONS_FOLLOWED = 8
_PORTS = struct.Struct(">HH")
_SEQUENCE = struct.Struct(">I")


class Signal(Enum):
    """What a packet means for its flow."""

    OPEN = auto()  # SYN
    ACCEPT = auto()  # SYN+ACK
    RESET = auto()
    DATAGRAM = auto()
    REQUEST = auto()  # ICMP echo
    REPLY = auto()
    SEGMENT = auto()  # TCP beyond opening and closing
    ERROR = auto()  # ICMP error; the addresses are those of the packet it is about


class Packet(NamedTuple):
    """One packet as far as flows need it.  Addresses are packed.

    An echo's identifier stands as `source_port` of the request and `destination_port`
    of the reply; `sequence` is TCP's, 0 elsewhere; `service` as `agent.system.services`
    tells it, empty for most.
    """

    protocol: int
    source: bytes
    source_port: int
    destination: bytes
    destination_port: int
    signal: Signal
    sequence: int = 0
    service: str = ""


_Transport = Callable[[bytes, int, bytes, bytes, int], Packet | None]


def dissect(ethertype: int, octets: bytes) -> Packet | None:
    """The packet in these bytes, which begin with the IP header; None for what is no
    first fragment, no flow, or cut off.
    """
    try:
        if ethertype == ETH_IPV4:
            return _ipv4(octets, _readable)
        return _ipv6(octets, _readable) if ethertype == ETH_IPV6 else None
    except (IndexError, struct.error):
        return None


def untagged(ethertype: int, octets: bytes) -> tuple[int, bytes]:
    """Behind the VLAN tags that are still in these octets.

    A packet socket without link layers gives a tag's four octets with a frame that came
    in or was made by a program, and none with one that the IP stack made.
    """
    for _ in range(_TAGS_FOLLOWED):
        tagged = int.from_bytes(octets[2:4], "big")
        version = _VERSIONS.get(tagged)
        if version is not None and len(octets) > _TAG_LENGTH and octets[4] >> 4 == version:
            return tagged, octets[_TAG_LENGTH:]
        if tagged not in VLAN_TAGS:
            break
        octets = octets[_TAG_LENGTH:]
    stack_made = {4: ETH_IPV4, 6: ETH_IPV6}.get(octets[0] >> 4 if octets else 0)
    return stack_made or ethertype, octets


def begins_with_tag(ethertype: int, octets: bytes) -> bool:
    """Whether `untagged` is wanted: kernels since 6.11 name the inner EtherType for a frame
    whose octets begin with a tag.  A tag of priority 2 and a VLAN id from 1280 on cannot
    be told from an IPv4 header (priority 3 from an IPv6 one), and is taken for one.
    """
    if ethertype in VLAN_TAGS or len(octets) <= _TAG_LENGTH:
        return ethertype in VLAN_TAGS
    if ethertype == ETH_IPV4:
        return not _SHORTEST_IPV4 <= octets[0] <= _LONGEST_IPV4
    return octets[0] >> 4 != _VERSIONS.get(ethertype)


def text(packed: bytes) -> str:
    """An address as people write it."""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _ipv4(octets: bytes, then: _Transport) -> Packet | None:
    if len(octets) < _IPV4_HEADER or octets[0] >> 4 != 4 or octets[6] & 0x1F or octets[7]:
        return None
    start = (octets[0] & 0x0F) * 4
    return then(octets, octets[9], octets[12:16], octets[16:20], start)


def _ipv6(octets: bytes, then: _Transport) -> Packet | None:
    if len(octets) < _IPV6_HEADER or octets[0] >> 4 != 6:
        return None
    protocol, start = octets[6], _IPV6_HEADER
    for _ in range(_EXTENSIONS_FOLLOWED):
        if protocol not in _EXTENSIONS or start + 4 > len(octets):
            break
        if protocol == _FRAGMENT:
            if octets[start + 2] or octets[start + 3] & 0xF8:
                return None
            length = 8
        elif protocol == _AUTHENTICATION:
            length = (octets[start + 1] + 2) * 4
        else:
            length = (octets[start + 1] + 1) * 8
        protocol, start = octets[start], start + length
    return then(octets, protocol, octets[8:24], octets[24:40], start)


def _readable(
    octets: bytes, protocol: int, source: bytes, destination: bytes, start: int
) -> Packet | None:
    """What hides its transport header (in a later fragment, behind more options than are
    copied, or by sending none) is still a packet of its protocol.
    """
    try:
        return _outer(octets, protocol, source, destination, start)
    except (IndexError, struct.error):
        return Packet(protocol, source, 0, destination, 0, Signal.DATAGRAM)


def _outer(
    octets: bytes, protocol: int, source: bytes, destination: bytes, start: int
) -> Packet | None:
    if protocol == TCP:
        return _tcp(octets, source, destination, start)
    if protocol in (ICMP, ICMPV6):
        return _icmp(octets, protocol, source, destination, start)
    if protocol == UDP:
        ports = _PORTS.unpack_from(octets, start)
        service = carried_in(octets, ports, start)
    else:
        ports = _PORTS.unpack_from(octets, start) if protocol in _WITH_PORTS else (0, 0)
        service = TUNNELS.get(protocol, "")
    return Packet(protocol, source, ports[0], destination, ports[1], Signal.DATAGRAM, 0, service)


def _tcp(octets: bytes, source: bytes, destination: bytes, start: int) -> Packet | None:
    flags = octets[start + 13]
    if flags & _RST:
        signal = Signal.RESET
    elif flags & _SYN:
        signal = Signal.ACCEPT if flags & _ACK else Signal.OPEN
    else:
        signal = Signal.SEGMENT
    ports = _PORTS.unpack_from(octets, start)
    sequence = _SEQUENCE.unpack_from(octets, start + 4)[0]
    return Packet(TCP, source, ports[0], destination, ports[1], signal, sequence)


def _icmp(
    octets: bytes, protocol: int, source: bytes, destination: bytes, start: int
) -> Packet | None:
    kind = octets[start]
    if _is_business_of_the_link(octets, protocol, kind):
        return None
    if kind in _ERRORS[protocol]:
        inner = octets[start + 8 :]
        return _ipv4(inner, _inner) if protocol == ICMP else _ipv6(inner, _inner)
    if kind == _ECHO_REQUESTS[protocol]:
        identifier = _PORTS.unpack_from(octets, start + 4)[0]
        return Packet(protocol, source, identifier, destination, 0, Signal.REQUEST)
    if kind == _ECHO_REPLIES[protocol]:
        identifier = _PORTS.unpack_from(octets, start + 4)[0]
        return Packet(protocol, source, 0, destination, identifier, Signal.REPLY)
    return Packet(protocol, source, 0, destination, 0, Signal.DATAGRAM)


def _is_business_of_the_link(octets: bytes, protocol: int, kind: int) -> bool:
    if protocol == ICMP:
        return kind == _REDIRECT
    return kind in _DISCOVERY and octets[_HOP_LIMIT] == _NEVER_FORWARDED


def _inner(
    octets: bytes, protocol: int, source: bytes, destination: bytes, start: int
) -> Packet | None:
    """The packet an ICMP error is about: at least its first eight bytes are there."""
    ports = (0, 0)
    if protocol in _WITH_PORTS:
        ports = _PORTS.unpack_from(octets, start)
    elif protocol in _ECHO_REQUESTS and octets[start] == _ECHO_REQUESTS[protocol]:
        ports = (_PORTS.unpack_from(octets, start + 4)[0], 0)
    return Packet(protocol, source, ports[0], destination, ports[1], Signal.ERROR)
