"""From a captured frame to the IP packet in it.  Pure.

IEEE 802.3 and 802.1Q, RFC 2516 (PPPoE), LINKTYPE_LINUX_SLL and SLL2, raw IP, and the
loopback headers of BSD.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

from agent.system.dissect import ETH_IPV4, ETH_IPV6

ETH_ARP = 0x0806
_TAGS = frozenset((0x8100, 0x88A8, 0x9100, 0x9200))
_TAGS_FOLLOWED = 4
_PPPOE = 0x8864
_PPP_PROTOCOLS = {0x0021: ETH_IPV4, 0x0057: ETH_IPV6}
_SMALLEST_ETHERTYPE = 0x0600  # below: a length, IEEE 802.3
_OUTGOING, _OTHER_HOST = 4, 3  # packet types of linux/if_packet.h
_BSD_FAMILIES = {2: ETH_IPV4, **dict.fromkeys((10, 24, 28, 30), ETH_IPV6)}


class Frame(NamedTuple):
    """`octets` begin behind the link layer, as `agent.system.dissect` wants them.

    MACs are packed, empty where the link has none or does not tell; `outgoing` is None
    where the frame does not say.  `link` is the interface index that a capture of all
    interfaces tells, else 0.
    """

    ethertype: int
    octets: bytes
    outgoing: bool | None = None
    source_mac: bytes = b""
    destination_mac: bytes = b""
    link: int = 0


def frame_of(link_type: int, octets: bytes) -> Frame | None:
    """None when the frame is cut off or holds no version of IP that its link announces.

    Raises:
        KeyError: nobody here knows this link type.
    """
    read = _READERS[link_type]
    try:
        return read(octets)
    except (IndexError, struct.error):
        return None


def known(link_type: int) -> bool:
    return link_type in _READERS


def ethernet(octets: bytes) -> Frame:
    """Raises IndexError and struct.error for what is cut off."""
    ethertype, place = struct.unpack_from(">H", octets, 12)[0], 14
    ethertype, rest = _untagged(ethertype, octets[place:])
    return Frame(ethertype, rest, None, octets[6:12], octets[:6])


def _untagged(ethertype: int, octets: bytes) -> tuple[int, bytes]:
    for _ in range(_TAGS_FOLLOWED):
        if ethertype not in _TAGS:
            break
        ethertype, octets = struct.unpack_from(">H", octets, 2)[0], octets[4:]
    if ethertype == _PPPOE:
        protocol = struct.unpack_from(">H", octets, 6)[0]
        return _PPP_PROTOCOLS.get(protocol, 0), octets[8:]
    return (ethertype if ethertype >= _SMALLEST_ETHERTYPE else 0), octets


def _cooked(octets: bytes) -> Frame:
    kind, _, length = struct.unpack_from(">HHH", octets)
    ethertype, rest = _untagged(struct.unpack_from(">H", octets, 14)[0], octets[16:])
    return Frame(ethertype, rest, _outgoing(kind), _mac(octets[6:], length))


def _cooked_2(octets: bytes) -> Frame:
    ethertype, link, kind, length = struct.unpack_from(">H2xIxxBB", octets)
    ethertype, rest = _untagged(ethertype, octets[20:])
    return Frame(ethertype, rest, _outgoing(kind), _mac(octets[12:], length), link=link)


def _outgoing(packet_type: int) -> bool | None:
    return None if packet_type == _OTHER_HOST else packet_type == _OUTGOING


def _mac(octets: bytes, length: int) -> bytes:
    """The sender's; nobody tells the receiver's."""
    return octets[:6] if length == 6 else b""


def _raw(octets: bytes) -> Frame:
    return Frame({4: ETH_IPV4, 6: ETH_IPV6}.get(octets[0] >> 4, 0), octets)


def _bsd_loopback(octets: bytes) -> Frame:
    """The address family stands in the byte order of whoever captured."""
    little, big = struct.unpack_from("<I", octets)[0], struct.unpack_from(">I", octets)[0]
    return Frame(_BSD_FAMILIES.get(min(little, big), 0), octets[4:])


_READERS: dict[int, Callable[[bytes], Frame]] = {
    0: _bsd_loopback,
    1: ethernet,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _bsd_loopback,
    113: _cooked,
    228: _raw,
    229: _raw,
    276: _cooked_2,
}
