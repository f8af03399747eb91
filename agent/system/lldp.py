"""What the other end of a cable says of itself: LLDP, IEEE Std 802.1AB-2016, clause 8."""

import socket
from collections.abc import Iterator

import msgspec

from agent.system.segment_frames import ETH_P_LLDP, ETHERNET, spoken_name

GROUP = bytes.fromhex("0180c200000e")
"""The nearest bridge: no bridge passes it on (table 7-1)."""

_END, _CHASSIS, _PORT, _TTL, _SYSTEM, _CAPABILITIES, _ORGANISATION = 0, 1, 2, 3, 5, 7, 127
_MAC_OF_CHASSIS, _MAC_OF_PORT = 4, 3
_ADDRESS_OF_CHASSIS, _ADDRESS_OF_PORT = 5, 4
_BRIDGE = 0x0004
_PORT_VLAN = b"\x00\x80\xc2\x01"  # annex D: IEEE 802.1, port VLAN id


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """One LLDPDU.  `mac` is the sender's; `ttl` seconds for which it holds, 0 is a goodbye;
    `is_switch`: it says that it bridges, or does not say what it does.
    """

    mac: str
    chassis: str
    port: str
    ttl: int
    system: str = ""
    vlan: int = 0
    is_switch: bool = True


def announcement(frame: bytes) -> Announcement | None:
    """What a whole Ethernet frame announces; None when it is not well-formed LLDP.

    The three mandatory TLVs must stand first and in order (clause 8.2); of the rest what
    is not understood is passed over.
    """
    if len(frame) < ETHERNET or int.from_bytes(frame[12:14], "big") != ETH_P_LLDP:
        return None
    told = list(_values(frame[ETHERNET:]))
    if [kind for kind, _ in told[:3]] != [_CHASSIS, _PORT, _TTL]:
        return None
    chassis, port, ttl = (value for _, value in told[:3])
    if len(chassis) < 2 or len(port) < 2 or len(ttl) < 2:
        return None
    rest = dict(reversed(told[3:]))  # the first of a kind counts
    return Announcement(
        mac=frame[6:12].hex(":"),
        chassis=_identity(chassis, mac=_MAC_OF_CHASSIS, address=_ADDRESS_OF_CHASSIS),
        port=_identity(port, mac=_MAC_OF_PORT, address=_ADDRESS_OF_PORT),
        ttl=int.from_bytes(ttl[:2], "big"),
        system=spoken_name(rest.get(_SYSTEM, b"")),
        vlan=_port_vlan(value for kind, value in told if kind == _ORGANISATION),
        is_switch=_bridges(rest.get(_CAPABILITIES, b"")),
    )


def _values(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each TLV: 7 bits of type, 9 of length (clause 8.4)."""
    place = 0
    while place + 2 <= len(octets):
        head = int.from_bytes(octets[place : place + 2], "big")
        kind, end = head >> 9, place + 2 + (head & 0x1FF)
        if kind == _END or end > len(octets):
            return
        yield kind, octets[place + 2 : end]
        place = end


def _identity(value: bytes, *, mac: int, address: int) -> str:
    """An id by its subtype: an address in the usual writing, else the text it is."""
    subtype, octets = value[0], value[1:]
    if subtype == mac and len(octets) == 6:
        return octets.hex(":")
    if subtype == address and octets[:1] == b"\x01" and len(octets) == 5:  # IANA family: IPv4
        return socket.inet_ntop(socket.AF_INET, octets[1:])
    return spoken_name(octets) or octets[:32].hex(":")


def _bridges(capabilities: bytes) -> bool:
    if len(capabilities) < 4:
        return True
    return bool(int.from_bytes(capabilities[2:4], "big") & _BRIDGE)  # those that are enabled


def _port_vlan(values: Iterator[bytes]) -> int:
    for value in values:
        if value[:4] == _PORT_VLAN and len(value) >= 6:
            return int.from_bytes(value[4:6], "big")
    return 0
