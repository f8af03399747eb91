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
_QUOTED = 8  # octets before the packet that an error is about
_DISCOVERY = range(133, 138)
_NEVER_FORWARDED = 255
"""Hop limit of genuine neighbour discovery (RFC 4861 section 7.1); what came past a router
has a lower one, and is a message like any other.  Multicast listeners speak link-local.
"""

HERE, NEIGHBOUR = bytes(16), b"\xfe\x80" + bytes(14)
"""The unspecified address, and the one of any router of a link (RFC 4291 section 2.6.1)."""
_SMALLEST_ETHERTYPE = 0x0600  # below: a length, IEEE 802.3, or a number of linux/if_ether.h
LLC = 0x05DC
"""Stands for frames with a length instead of an EtherType: the longest."""

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
_FRAGMENTED = 1 << 32  # an identification may be 0
_PORTS = struct.Struct(">HH")
_SEQUENCE = struct.Struct(">I")
_HALF = struct.Struct(">H")
_IN_PARTS, _OFFSET = 0x3FFF, 0x1FFF  # of IPv4's flags and offset: more to come, or not the first
_MORE_OR_OFFSET6, _OFFSET6 = 0xFFF9, 0xFFF8


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
    STRAY = auto()  # may be left over from something; alone, what comes so is told of nothing
    FRAGMENT = auto()  # not the first of its datagram


class Packet(NamedTuple):
    """One packet as far as flows need it.  Addresses are packed.

    An echo's identifier stands as `source_port` of the request and `destination_port`
    of the reply; `sequence` is TCP's, 0 elsewhere; `service` as `agent.system.services`
    tells it, empty for most.  `outer` are source and destination of an ICMP error itself.
    `datagram` tells what is one of several fragments of which (0 what is whole).
    """

    protocol: int
    source: bytes
    source_port: int
    destination: bytes
    destination_port: int
    signal: Signal
    sequence: int = 0
    service: str = ""
    outer: tuple[bytes, bytes] | None = None
    datagram: int = 0


_Transport = Callable[[bytes, int, bytes, bytes, int], Packet | None]


def dissect(ethertype: int, octets: bytes) -> Packet | None:
    """The packet in these bytes, which begin with the IP header; None for what is no flow,
    or cut off.
    """
    try:
        if ethertype == ETH_IPV4:
            return _ipv4(octets, _readable)
        return _ipv6(octets, _readable) if ethertype == ETH_IPV6 else None
    except (IndexError, struct.error):
        return None


def neighbours_frame(ethertype: int, *, outgoing: bool) -> Packet:
    """A frame that is no IP, as a packet: its protocol is the EtherType, or LLC.  The kernel
    tells the sender's MAC only, so the other side is whoever is on the link.
    """
    protocol = ethertype if ethertype >= _SMALLEST_ETHERTYPE else LLC
    ends = (HERE, NEIGHBOUR) if outgoing else (NEIGHBOUR, HERE)
    return Packet(protocol, ends[0], 0, ends[1], 0, Signal.DATAGRAM)


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
    if len(octets) < _IPV4_HEADER or octets[0] >> 4 != 4:
        return None
    source, destination, start = octets[12:16], octets[16:20], (octets[0] & 0x0F) * 4
    place = _HALF.unpack_from(octets, 6)[0]
    datagram = _FRAGMENTED | _HALF.unpack_from(octets, 4)[0] if place & _IN_PARTS else 0
    if place & _OFFSET:
        return _later(octets[9], source, destination, datagram)
    return _of(datagram, then(octets, octets[9], source, destination, start))


def _ipv6(octets: bytes, then: _Transport) -> Packet | None:
    if len(octets) < _IPV6_HEADER or octets[0] >> 4 != 6:
        return None
    protocol, start, datagram = octets[6], _IPV6_HEADER, 0
    source, destination = octets[8:24], octets[24:40]
    for _ in range(_EXTENSIONS_FOLLOWED):
        if protocol not in _EXTENSIONS or start + 4 > len(octets):
            break
        if protocol == _FRAGMENT:
            place = _HALF.unpack_from(octets, start + 2)[0]
            if place & _MORE_OR_OFFSET6:
                datagram = _FRAGMENTED | _SEQUENCE.unpack_from(octets, start + 4)[0]
            if place & _OFFSET6:
                return _later(octets[start], source, destination, datagram)
            length = 8
        elif protocol == _AUTHENTICATION:
            length = (octets[start + 1] + 2) * 4
        else:
            length = (octets[start + 1] + 1) * 8
        protocol, start = octets[start], start + length
    return _of(datagram, then(octets, protocol, source, destination, start))


def _later(protocol: int, source: bytes, destination: bytes, datagram: int) -> Packet:
    signal = Signal.FRAGMENT
    return Packet(protocol, source, 0, destination, 0, signal, datagram=datagram)


def _of(datagram: int, packet: Packet | None) -> Packet | None:
    return packet._replace(datagram=datagram) if datagram and packet else packet


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
        signal = Signal.SEGMENT if _has_text(octets, start) else Signal.RESET
    elif flags & _SYN:
        signal = Signal.ACCEPT if flags & _ACK else Signal.OPEN
    else:
        signal = Signal.SEGMENT
    ports = _PORTS.unpack_from(octets, start)
    sequence = _SEQUENCE.unpack_from(octets, start + 4)[0]
    return Packet(TCP, source, ports[0], destination, ports[1], signal, sequence)


def _has_text(octets: bytes, start: int) -> bool:
    """A reset may carry some (RFC 9293 section 3.5.3); no firewall that only refuses does."""
    if octets[0] >> 4 == 4:
        end = _HALF.unpack_from(octets, 2)[0]
    else:
        end = _IPV6_HEADER + int(_HALF.unpack_from(octets, 4)[0])
    return bool(end > start + (octets[start + 12] >> 4) * 4)


def _icmp(
    octets: bytes, protocol: int, source: bytes, destination: bytes, start: int
) -> Packet | None:
    kind = octets[start]
    if _is_business_of_the_link(octets, protocol, kind):
        return None
    if kind in _ERRORS[protocol]:
        return _error(octets[start + _QUOTED :], protocol, source, destination)
    if protocol == ICMP and kind == _REDIRECT:
        return Packet(protocol, source, 0, destination, 0, Signal.STRAY)
    if kind == _ECHO_REQUESTS[protocol]:
        identifier = _PORTS.unpack_from(octets, start + 4)[0]
        return Packet(protocol, source, identifier, destination, 0, Signal.REQUEST)
    if kind == _ECHO_REPLIES[protocol]:
        identifier = _PORTS.unpack_from(octets, start + 4)[0]
        return Packet(protocol, source, 0, destination, identifier, Signal.REPLY)
    return Packet(protocol, source, 0, destination, 0, Signal.DATAGRAM)


def _error(quoted: bytes, protocol: int, source: bytes, destination: bytes) -> Packet:
    """What quotes no packet, or a later fragment, is about nothing that is known."""
    try:
        about = _ipv4(quoted, _inner) if protocol == ICMP else _ipv6(quoted, _inner)
    except (IndexError, struct.error):
        about = None
    if about is None or about.signal is not Signal.ERROR:
        return Packet(protocol, source, 0, destination, 0, Signal.STRAY)
    return about._replace(outer=(source, destination), datagram=0)


def _is_business_of_the_link(octets: bytes, protocol: int, kind: int) -> bool:
    discovers = protocol == ICMPV6 and kind in _DISCOVERY
    return discovers and octets[_HOP_LIMIT] == _NEVER_FORWARDED


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
