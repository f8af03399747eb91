"""What programs do that know more of the kernel than connecting: options of sockets and links,
headers of their own, tunnels in tunnels.
"""

import ctypes
import fcntl
import socket
import struct
from contextlib import suppress
from itertools import pairwise

from tests.recall.acts import family

ETHTOOL_STXCSUM, ETHTOOL_SGSO = 0x17, 0x24  # linux/ethtool.h
SIOCETHTOOL = 0x8946  # linux/sockios.h
SO_MARK = 36  # asm-generic/socket.h
IPPROTO_UDPLITE = 136  # linux/in.h
IPPROTO_MPTCP = 262  # linux/in.h
UDP_SEGMENT = 103  # linux/udp.h
IPV6_HOPOPTS, IPV6_DSTOPTS = 54, 59  # linux/in6.h
_PADDING = bytes((0, 0, 1, 4, 0, 0, 0, 0))  # next header, length, PadN of four; RFC 8200 4.2
_PATIENCE_S = 0.3
_LONG_S = 10.0
_GRE_IPV4 = b"\x00\x00\x08\x00"  # RFC 2784
IPIP, SIX_IN_4, GRE = 4, 41, 47


def without_offload(link: str) -> None:
    """Checksums and segments are made by the kernel, not left to the card (ethtool -K)."""
    for command in (ETHTOOL_SGSO, ETHTOOL_STXCSUM):
        wish = ctypes.create_string_buffer(struct.pack("II", command, 0))
        request = struct.pack("16sP", link.encode(), ctypes.addressof(wish)).ljust(40, b"\x00")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            fcntl.ioctl(asking, SIOCETHTOOL, request)


def big_send(address: str, port: int = 443, *, octets: int = 500_000) -> None:
    """One write of many segments."""
    with socket.create_connection((address, port), _LONG_S) as client, suppress(OSError):
        client.sendall(b"b" * octets)  # the other side may close meanwhile


def segmented_datagrams(address: str, port: int = 9999) -> None:
    """Twenty datagrams in one call (UDP segmentation offload)."""
    with _datagrams(address) as client, suppress(OSError):
        client.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
        client.sendto(b"s" * 20_000, (address, port))
        client.recv(65_000)


def multipath(address: str, port: int = 443) -> None:
    """Multipath TCP (RFC 8684); the other side falls back or joins."""
    with socket.socket(family(address), socket.SOCK_STREAM, IPPROTO_MPTCP) as client:
        client.settimeout(_PATIENCE_S)
        with suppress(ConnectionRefusedError):
            client.connect((address, port))


def udp_lite(address: str, port: int = 9999) -> None:
    """One question and its answer (RFC 3828)."""
    with socket.socket(family(address), socket.SOCK_DGRAM, IPPROTO_UDPLITE) as client:
        client.settimeout(_PATIENCE_S)
        client.sendto(b"lite", (address, port))
        client.recv(100)


def with_options(address: str, option: int, *, size: int = 10) -> None:
    """IPv6 with an extension header; a large one is fragmented behind it."""
    with _datagrams(address) as client, suppress(OSError):
        client.setsockopt(socket.IPPROTO_IPV6, option, _PADDING)
        client.sendto(b"o" * size, (address, 9999))
        client.recv(65_000)


def marked(address: str, mark: int, port: int = 443) -> None:
    """A connection that policy routing sees by its mark."""
    with socket.socket(family(address)) as client:
        client.settimeout(_PATIENCE_S)
        client.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        with suppress(OSError):
            client.connect((address, port))


def patient(address: str, port: int) -> None:
    """One question; waits ten seconds for its answer."""
    with _datagrams(address) as client, suppress(OSError):
        client.settimeout(_LONG_S)
        client.sendto(b"question", (address, port))
        client.recv(65_000)


def from_one_port(*addresses: str, own_port: int = 45_454, times: int = 2) -> None:
    """Conversations with several hosts by one socket."""
    with _datagrams(addresses[0]) as client:
        client.bind(("", own_port))
        for _ in range(times):
            for address in addresses:
                client.sendto(b"question", (address, 9999))
                client.recv(100)


def again_from_one_port(address: str, *, own_port: int = 45_455, times: int = 3) -> None:
    """Connections one after the other, each from the same port, each ended by a reset."""
    for _ in range(times):
        with socket.socket(family(address)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.bind(("", own_port))
            client.settimeout(_LONG_S)
            client.connect((address, 443))


def talking(address: str, port: int = 9999, *, own: str = "") -> socket.socket:
    """A conversation that stays open: one datagram each way; whoever called closes it."""
    client = _datagrams(address)
    client.bind((own, 0))
    exchange(client, address, port)
    return client


def exchange(client: socket.socket, address: str, port: int = 9999) -> None:
    with suppress(OSError):
        client.sendto(b"question", (address, port))
        client.recv(100)


def listening(own: str, port: int) -> socket.socket:
    return socket.create_server((own, port))


def answering(own: str, port: int) -> socket.socket:
    """A server of datagrams; whoever called closes it."""
    server = socket.socket(family(own), socket.SOCK_DGRAM)
    server.settimeout(_LONG_S)
    server.bind((own, port))
    return server


def answer_one(server: socket.socket) -> None:
    octets, sender = server.recvfrom(100)
    server.sendto(octets, sender)


def ask(address: str, port: int) -> socket.socket:
    """A datagram to a server that will look later; whoever called closes it."""
    client = _datagrams(address)
    client.sendto(b"question", (address, port))
    return client


def nested(address: str, *protocols: int) -> None:
    """A packet of tunnels in each other, the outermost first; what comes back is awaited."""
    octets = struct.pack("!HHHH", 4000, 53, 12, 0) + b"deep"
    for carrier, carried in reversed([*pairwise((*protocols, socket.IPPROTO_UDP))]):
        octets = _in_tunnel(carrier, carried, octets)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, protocols[0]) as client:
        client.settimeout(_PATIENCE_S)
        with suppress(OSError):
            client.sendto(octets, (address, 0))
            client.recv(2000)


def _in_tunnel(carrier: int, carried: int, octets: bytes) -> bytes:
    """What follows the header of `carrier`: the inner packet's header and its content."""
    if carrier == SIX_IN_4:
        ends = b"\xfd" + bytes(14) + b"\x01" + b"\xfd" + bytes(14) + b"\x02"
        return struct.pack("!IHBB", 6 << 28, len(octets), carried, 64) + ends + octets
    ends = socket.inet_aton("192.168.77.1") + socket.inet_aton("192.168.77.2")
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(octets), 1, 0, 64, carried, 0)
    return (_GRE_IPV4 if carrier == GRE else b"") + head + ends + octets


def _datagrams(address: str) -> socket.socket:
    client = socket.socket(family(address), socket.SOCK_DGRAM)
    client.settimeout(_PATIENCE_S)
    return client
