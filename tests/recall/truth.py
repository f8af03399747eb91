"""What really crossed the boundary: a capture at the far end that shares no code with the agent.

Addresses of the segment itself (multicast, broadcast, link-local) are not outside.
"""

import ipaddress
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tests.support.live import Place

ETH_P_ALL = 3  # linux/if_ether.h
PACKET_OUTGOING = 4  # linux/if_packet.h
SO_RCVBUFFORCE = 33  # asm-generic/socket.h
IPV4, IPV6, TAGS = 0x0800, 0x86DD, (0x8100, 0x88A8)
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
FRAGMENT, EXTENSIONS = 44, (0, 43, 44, 60)
"""Hop-by-hop, routing, fragment and destination headers: RFC 8200 4."""
SYN, RST, ACK = 0x02, 0x04, 0x10
_ECHO = {ICMP: (8, 0), ICMPV6: (128, 129)}  # request, reply; RFC 792, RFC 4443
_BUFFER = 64 << 20

Reach = Literal["reached", "attempted", "silent"]


class Flow(NamedTuple):
    """`near` is the ward's end; port 0 where the protocol has none, ICMP has its identifier."""

    protocol: int
    near: str
    near_port: int
    far: str
    far_port: int


class Truth:
    """Records until closed; `reset` forgets."""

    def __init__(self, outside: Place) -> None:
        self._socket = outside.call(_listening)
        self._left: set[Flow] = set()
        self._came: set[Flow] = set()
        self._end, self._ended = socket.socketpair()
        self._thread = threading.Thread(target=self._record)
        self._thread.start()

    def reset(self) -> None:
        self._left, self._came = set(), set()

    @property
    def reached(self) -> set[Flow]:
        """Flows of which packets went both ways, as far as each protocol calls it an answer."""
        return self._left & self._came

    @property
    def reach(self) -> Reach:
        if self.reached:
            return "reached"
        return "attempted" if self._left | self._came else "silent"

    def close(self) -> None:
        self._ended.close()
        self._thread.join()
        self._end.close()
        self._socket.close()

    def _record(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._end, selectors.EVENT_READ)
            while all(key.fileobj is self._socket for key, _ in selector.select()):
                octets, sender = self._socket.recvfrom(65_536)
                from_outside = sender[2] == PACKET_OUTGOING
                for flow in _flows(octets, from_outside=from_outside):
                    (self._came if from_outside else self._left).add(flow)


def _listening() -> socket.socket:
    heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    heard.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _BUFFER)
    return heard


def _flows(octets: bytes, *, from_outside: bool) -> Iterator[Flow]:
    """The flow of a frame, if it counts; from an answer the flow that it answers."""
    at, kind = 14, struct.unpack_from("!H", octets, 12)[0]
    while kind in TAGS:
        kind, at = struct.unpack_from("!H", octets, at + 2)[0], at + 4
    packet = octets[at:]
    if kind == IPV4 and len(packet) >= 20:
        if struct.unpack_from("!H", packet, 6)[0] & 0x1FFF:
            return  # a later fragment: the first one counts
        protocol, header = packet[9], (packet[0] & 15) * 4
        ends = (packet[12:16], packet[16:20])
    elif kind == IPV6 and len(packet) >= 40:
        protocol, header, ends = packet[6], 40, (packet[8:24], packet[24:40])
        while protocol in EXTENSIONS:
            if protocol == FRAGMENT and struct.unpack_from("!H", packet, header + 2)[0] >> 3:
                return
            length = 8 if protocol == FRAGMENT else (packet[header + 1] + 1) * 8
            protocol, header = packet[header], header + length
    else:
        return
    source, destination = (ipaddress.ip_address(end) for end in ends)
    if _is_of_segment(source) or _is_of_segment(destination):
        return
    ports = _ports(protocol, packet[header:], from_outside=from_outside)
    if ports is None:
        return
    near, far = (destination, source) if from_outside else (source, destination)
    near_port, far_port = ports[::-1] if from_outside else ports
    yield Flow(protocol, str(near), near_port, str(far), far_port)


def _ports(protocol: int, segment: bytes, *, from_outside: bool) -> tuple[int, int] | None:
    """Source and destination; None for what neither asks nor answers."""
    if protocol in _ECHO:
        if len(segment) < 8 or segment[0] not in _ECHO[protocol]:
            return None
        identifier = struct.unpack_from("!H", segment, 4)[0]
        return (0, identifier) if from_outside else (identifier, 0)
    if protocol not in (TCP, UDP) or len(segment) < 8:
        return (0, 0)
    ports = struct.unpack_from("!HH", segment)
    if protocol == TCP and (len(segment) < 14 or not segment[13] & SYN or segment[13] & RST):
        return None  # only the two that open it count
    return ports[0], ports[1]


def _is_of_segment(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return (
        address.is_multicast
        or address.is_link_local
        or address.is_unspecified
        or address.is_loopback
        or address == ipaddress.ip_address("255.255.255.255")
    )
