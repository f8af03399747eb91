"""From the bytes of an IP packet to who asks which name server.  RFC 791, 8200, 768, 9293.

Pure; only what `dns_filter` passes is expected, and nothing that is not raises.
"""

import struct
from dataclasses import dataclass

from agent.system.dissect import ETH_IPV4, TCP, UDP

_PORTS = struct.Struct(">HH")
_IPV6_HEADER, _UDP_HEADER, _TCP_FLAGS = 40, 8, 13
_ACK = 0x10


@dataclass(frozen=True, slots=True)
class NamePacket:
    """Addresses packed.  `accepts`: a TCP connection is accepted; `payload` is UDP's."""

    protocol: int
    source: bytes
    source_port: int
    destination: bytes
    destination_port: int
    accepts: bool
    payload: bytes


def name_packet(ethertype: int, octets: bytes) -> NamePacket | None:
    """The packet in these bytes, which begin with the IP header; None when cut off, or
    neither UDP nor TCP.
    """
    try:
        if ethertype == ETH_IPV4:
            start = (octets[0] & 0x0F) * 4
            return _transport(octets, octets[9], (octets[12:16], octets[16:20]), start)
        return _transport(octets, octets[6], (octets[8:24], octets[24:40]), _IPV6_HEADER)
    except (IndexError, struct.error):
        return None


def _transport(
    octets: bytes, protocol: int, ends: tuple[bytes, bytes], start: int
) -> NamePacket | None:
    if protocol not in (TCP, UDP):
        return None
    source_port, destination_port = _PORTS.unpack_from(octets, start)
    return NamePacket(
        protocol=protocol,
        source=ends[0],
        source_port=source_port,
        destination=ends[1],
        destination_port=destination_port,
        accepts=protocol == TCP and bool(octets[start + _TCP_FLAGS] & _ACK),
        payload=octets[start + _UDP_HEADER :] if protocol == UDP else b"",
    )
