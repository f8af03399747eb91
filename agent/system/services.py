"""What speaks inside a datagram, told by protocol, port and the shape of its first octets.

RFC 9000 and 8999 (QUIC), RFC 3948 (ESP in UDP), RFC 7348 (VXLAN), RFC 8926 (Geneve),
RFC 2661 (L2TP), RFC 4380 (Teredo), the WireGuard paper.  Pure.
"""

import struct

TUNNELS = {
    4: "tunnel:ipip",
    41: "tunnel:6in4",
    47: "tunnel:gre",
    50: "tunnel:esp",
    97: "tunnel:etherip",
    115: "tunnel:l2tp",
    137: "tunnel:mpls",
}
"""IP protocols that carry other packets: the IANA registry."""

_QUIC_LONG, _QUIC_CONNECTION_ID_LONGEST = 0xC0, 20
_QUIC_PORTS = frozenset((443, 8443))
_QUIC_VERSIONS = frozenset((1, 0x6B3343CF))  # RFC 9000, RFC 9369
_WIREGUARD_HANDSHAKES = {(1, 148), (2, 92)}  # type and length of initiation and response
_WIREGUARD_PORT, _WIREGUARD_DATA = 51820, 4
_IKE, _ESP_IN_UDP, _L2TP, _OPENVPN, _TEREDO, _GENEVE = 500, 4500, 1701, 1194, 3544, 6081
_VXLAN_PORTS = (4789, 8472)
_OPENVPN_OPENINGS = frozenset((7, 8, 10))  # P_CONTROL_HARD_RESET_*_V2 and _V3
_UDP_HEADER = 8


def carried_in(octets: bytes, ports: tuple[int, int], start: int) -> str:
    """`quic`, `tunnel:…`, or nothing for what is not known; `start` is the UDP header."""
    body = octets[start + _UDP_HEADER : start + _UDP_HEADER + 32]
    if len(body) < 4:
        return ""
    length = struct.unpack_from(">H", octets, start + 4)[0] - _UDP_HEADER
    return _anywhere(body, ports, length) or _by_port(body, ports)


def _anywhere(body: bytes, ports: tuple[int, int], length: int) -> str:
    """Shapes that are told without a port of their own."""
    if _quic(body, ports):
        return "quic"
    kind = body[0]
    if body[1:4] == b"\0\0\0":
        if (kind, length) in _WIREGUARD_HANDSHAKES:
            return "tunnel:wireguard"
        if kind == _WIREGUARD_DATA and _WIREGUARD_PORT in ports:
            return "tunnel:wireguard"
    return ""


def _quic(body: bytes, ports: tuple[int, int]) -> bool:
    """A long header: later packets have nothing that could be told."""
    if body[0] & _QUIC_LONG != _QUIC_LONG or len(body) < 6:
        return False
    if body[5] > _QUIC_CONNECTION_ID_LONGEST:
        return False
    version = struct.unpack_from(">I", body, 1)[0]
    return version in _QUIC_VERSIONS or not _QUIC_PORTS.isdisjoint(ports)


def _by_port(body: bytes, ports: tuple[int, int]) -> str:  # noqa: PLR0911 - one shape a line
    if _ESP_IN_UDP in ports:
        return "tunnel:ike" if body[:4] == b"\0\0\0\0" else "tunnel:esp"
    if _IKE in ports:
        return "tunnel:ike" if len(body) > 17 and body[17] >> 4 in (1, 2) else ""
    if not set(_VXLAN_PORTS).isdisjoint(ports) and body[:4] == b"\x08\0\0\0":
        return "tunnel:vxlan"
    if (
        _GENEVE in ports
        and body[0] >> 6 == 0
        and body[2:4] in (b"\x65\x58", b"\x08\0", b"\x86\xdd")
    ):
        return "tunnel:geneve"
    if _TEREDO in ports and (body[0] >> 4 == 6 or body[:2] in (b"\0\0", b"\0\1")):
        return "tunnel:teredo"
    if _L2TP in ports and body[1] & 0x0F in (2, 3):
        return "tunnel:l2tp"
    if _OPENVPN in ports and body[0] >> 3 in _OPENVPN_OPENINGS:
        return "tunnel:openvpn"
    return ""
