"""What travels inside a packet: IP in IP, GRE, VXLAN and Teredo.  Pure.

RFC 2003, RFC 4213 (protocol 41), RFC 2784 and 2890, RFC 7348, RFC 4380.
"""

import struct
from typing import NamedTuple

from agent.replay.link_layer import ethernet
from agent.system.dissect import ETH_IPV4, ETH_IPV6, UDP

DEEPEST = 4
"""Tunnels in tunnels that are followed."""

_IPIP, _IPV6_IN, _GRE = 4, 41, 47
_VXLAN, _TEREDO = 4789, 3544
_TRANSPARENT_ETHERNET = 0x6558
_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE, _GRE_VERSION = 0x8000, 0x2000, 0x1000, 0x0007


class Inner(NamedTuple):
    """A packet inside another; `tunnel` names what carried it."""

    tunnel: str
    ethertype: int
    octets: bytes


def inner(ethertype: int, octets: bytes) -> Inner | None:
    """What this IP packet carries; None for no tunnel, a later fragment, or cut off."""
    try:
        carried = _transport(ethertype, octets)
        found = carried and _unwrapped(*carried)
    except (IndexError, struct.error):
        return None
    return found if found and found.ethertype in (ETH_IPV4, ETH_IPV6) else None


def _transport(ethertype: int, octets: bytes) -> tuple[int, bytes] | None:
    if ethertype == ETH_IPV6:
        return octets[6], octets[40:]
    if ethertype != ETH_IPV4 or octets[6] & 0x1F or octets[7]:
        return None
    return octets[9], octets[(octets[0] & 0x0F) * 4 :]


def _unwrapped(protocol: int, octets: bytes) -> Inner | None:
    if protocol == _IPIP:
        return Inner("ipip", ETH_IPV4, octets)
    if protocol == _IPV6_IN:
        return Inner("6in4", ETH_IPV6, octets)
    if protocol == _GRE:
        return _gre(octets)
    return _over_udp(octets) if protocol == UDP else None


def _gre(octets: bytes) -> Inner | None:
    flags, ethertype = struct.unpack_from(">HH", octets)
    if flags & _GRE_VERSION:
        return None
    options = sum(4 for flag in (_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE) if flags & flag)
    rest = octets[4 + options :]
    if ethertype == _TRANSPARENT_ETHERNET:
        frame = ethernet(rest)
        return Inner("gretap", frame.ethertype, frame.octets)
    return Inner("gre", ethertype, rest)


def _over_udp(octets: bytes) -> Inner | None:
    ports = struct.unpack_from(">HH", octets)
    if _VXLAN in ports and octets[8] & 0x08:
        frame = ethernet(octets[16:])
        return Inner("vxlan", frame.ethertype, frame.octets)
    if _TEREDO in ports and octets[8] >> 4 == 6:
        return Inner("teredo", ETH_IPV6, octets[8:])
    return None
