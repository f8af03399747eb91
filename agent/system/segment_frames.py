"""What hosts of a segment say of themselves in passing: ARP, neighbour discovery, DHCP.

RFC 826 (ARP), RFC 4861 (neighbour discovery), RFC 2131 and 2132 (DHCP).  Frames are whole
Ethernet frames without a VLAN tag, for the kernel takes it off.  They come from anybody: a
frame that lies about its lengths says nothing.
"""

import socket
import struct
from typing import Literal, NamedTuple

ETHERNET = 14
ETH_P_IP, ETH_P_ARP, ETH_P_IPV6, ETH_P_LLDP = 0x0800, 0x0806, 0x86DD, 0x88CC
UDP, ICMPV6 = 17, 58
ROUTER_SOLICITATION, NEIGHBOUR_ADVERTISEMENT = 133, 136
"""The first and the last of the messages heard, with those between them: RFC 4861."""
DHCP_SERVER = 67

NAME_LIMIT = 64
_GROUP_BIT, _LOCAL_BIT = 0x01, 0x02  # IEEE 802-2014, 8.2: of the first octet
_ARP_ETHERNET_IPV4 = struct.pack("!HHBB", 1, ETH_P_IP, 6, 4)
_ARP_LENGTH, _IPV6_LENGTH, _UDP_LENGTH = 28, 40, 8
_IPV6_HOPS = 255  # RFC 4861, 6.1 and 7.1: anything less came from another segment
_BOOTP_LENGTH, _COOKIE = 236, b"\x63\x82\x53\x63"
_BOOTREQUEST = 1
_HOST_NAME, _VENDOR_CLASS, _PAD, _END = 12, 60, 0, 255
_NOBODY = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - RFC 5227: an address not owned yet

How = Literal["arp", "nd", "dhcp", "lldp"]


class Sighting(NamedTuple):
    """One host was heard.  `address` and `name` are empty where it did not say them."""

    mac: str
    address: str
    name: str
    how: How


def sighting(frame: bytes) -> Sighting | None:
    """Who sent this frame; None when it tells of nobody."""
    if len(frame) < ETHERNET or frame[6] & _GROUP_BIT or frame[6:12] == bytes(6):
        return None
    ethertype = int.from_bytes(frame[12:14], "big")
    if ethertype == ETH_P_ARP:
        return _arp(frame)
    if ethertype == ETH_P_IPV6:
        return _neighbour_discovery(frame)
    return _dhcp(frame) if ethertype == ETH_P_IP else None


def is_randomised(mac: str) -> bool:
    """Whether this address was made up by the host (a telephone's privacy, a virtual
    machine) and not given by a maker: the bit for local administration.
    """
    return bool(int(mac[:2], 16) & _LOCAL_BIT)


def spoken_name(octets: bytes) -> str:
    """A name as it may be shown: printable, one line, at most 64 characters."""
    text = octets.rstrip(b"\0").decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable())[:NAME_LIMIT].strip()


def _arp(frame: bytes) -> Sighting | None:
    body = frame[ETHERNET : ETHERNET + _ARP_LENGTH]
    if len(body) < _ARP_LENGTH or body[:6] != _ARP_ETHERNET_IPV4:
        return None
    own_word = body[8:14] == frame[6:12]  # else somebody speaks for another
    address = socket.inet_ntop(socket.AF_INET, body[14:18]) if own_word else ""
    return Sighting(_mac(frame), _owned(address), "", "arp")


def _neighbour_discovery(frame: bytes) -> Sighting | None:
    header = frame[ETHERNET : ETHERNET + _IPV6_LENGTH]
    kind = frame[ETHERNET + _IPV6_LENGTH :][:1]
    if len(header) < _IPV6_LENGTH or not kind or header[6] != ICMPV6 or header[7] != _IPV6_HOPS:
        return None
    if not ROUTER_SOLICITATION <= kind[0] <= NEIGHBOUR_ADVERTISEMENT:
        return None
    return Sighting(_mac(frame), _owned(socket.inet_ntop(socket.AF_INET6, header[8:24])), "", "nd")


def _dhcp(frame: bytes) -> Sighting | None:
    """A client's own request; what a relay passes on comes from another segment."""
    start = ETHERNET + (frame[ETHERNET] & 0x0F) * 4 if len(frame) > ETHERNET else 0
    request = frame[start + _UDP_LENGTH :]
    if len(request) < _BOOTP_LENGTH + len(_COOKIE) or frame[ETHERNET + 9] != UDP:
        return None
    to_server = int.from_bytes(frame[start + 2 : start + 4], "big") == DHCP_SERVER
    relayed = request[24:28] != bytes(4)
    known = request[_BOOTP_LENGTH : _BOOTP_LENGTH + len(_COOKIE)] == _COOKIE
    if not to_server or relayed or not known or request[0] != _BOOTREQUEST:
        return None
    told = _options(request[_BOOTP_LENGTH + len(_COOKIE) :])
    name = spoken_name(told.get(_HOST_NAME) or told.get(_VENDOR_CLASS, b""))
    address = socket.inet_ntop(socket.AF_INET, request[12:16])
    return Sighting(_mac(frame), _owned(address), name, "dhcp")


def _options(octets: bytes) -> dict[int, bytes]:
    """By their numbers; those behind a length that is too large are not read."""
    found: dict[int, bytes] = {}
    place = 0
    while place + 1 < len(octets) and octets[place] != _END:
        if octets[place] == _PAD:
            place += 1
            continue
        end = place + 2 + octets[place + 1]
        if end > len(octets):
            break
        found.setdefault(octets[place], octets[place + 2 : end])
        place = end
    return found


def _mac(frame: bytes) -> str:
    return frame[6:12].hex(":")


def _owned(address: str) -> str:
    return "" if address in _NOBODY else address
