"""What programs of a ward do on the network; each is called in a namespace."""

import os
import socket
import struct
import threading
from contextlib import suppress

from tests.netns import OUTSIDE

_PATIENCE_S = 0.2
_LONG_S = 4.0
SLOW_PORT, SLOW_S = 9998, 3.0
"""Who answers there does so two seconds after the question was told as an attempt: an agent that
nobody schedules for so long would only tell that the answer came.
"""
TFO = 0x20000000  # MSG_FASTOPEN, linux/socket.h
SO_BINDTODEVICE = 25  # asm-generic/socket.h


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def tcp(address: str, port: int = 443, *, times: int = 1, over: str = "") -> None:
    """Connects and closes; a refusal or silence is as good as an answer."""
    for _ in range(times):
        with socket.socket(family(address)) as client:
            client.settimeout(_PATIENCE_S)
            if over:
                client.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, over.encode())
            with suppress(OSError):
                client.connect((address, port))


def tcp_reset(address: str, port: int = 443) -> None:
    """Connects and ends with a reset (SO_LINGER of zero)."""
    with socket.socket(family(address)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.connect((address, port))


def tcp_half_open(address: str, port: int = 443) -> None:
    """Connects, closes its sending half, reads until the other side has closed, too."""
    with socket.create_connection((address, port), _LONG_S) as client:
        client.shutdown(socket.SHUT_WR)
        client.recv(10)


def tcp_fast_open(address: str, port: int = 443) -> None:
    """Twice: the second SYN carries its data and a cookie."""
    for _ in range(2):
        with socket.socket(family(address)) as client:
            client.settimeout(_PATIENCE_S)
            with suppress(OSError):
                client.sendto(b"hello", TFO, (address, port))


def from_many_processes(address: str, port: int = 443, *, number: int = 10, times: int = 1) -> None:
    children = []
    for _ in range(number):
        child = os.fork()
        if child == 0:
            try:
                tcp(address, port, times=times)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def udp(address: str, port: int = 9999, octets: bytes = b"question", *, times: int = 1) -> None:
    """One question; waits for its answer as long as a slow server takes."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as client:
        client.settimeout(_LONG_S if port == SLOW_PORT else _PATIENCE_S)
        with suppress(OSError):
            for _ in range(times):
                client.sendto(octets, (address, port))
                client.recv(65_000)


def udp_ports(address: str, ports: range) -> None:
    """One datagram to each port."""
    with socket.socket(family(address), socket.SOCK_DGRAM) as client:
        for port in ports:
            with suppress(OSError):  # the error of the datagram before
                client.sendto(b"x", (address, port))


def quic(address: str) -> None:
    """A long-header Initial of version 1, padded (RFC 9000 14.1, 17.2.2)."""
    header = b"\xc3\x00\x00\x00\x01\x08" + bytes(range(8)) + b"\x00\x00\x44\xb0"
    udp(address, 443, header.ljust(1200, b"\x00"))


def ping(address: str, size: int = 16) -> None:
    """One echo request and its reply."""
    six = ":" in address
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    with socket.socket(family(address), socket.SOCK_RAW, protocol) as client:
        client.settimeout(_PATIENCE_S)
        body = struct.pack("!BBHHH", 128 if six else 8, 0, 0, os.getpid() & 0xFFFF, 1)
        octets = body + b"e" * size
        if not six:
            octets = octets[:2] + struct.pack("!H", _checksum(octets)) + octets[4:]
        with suppress(OSError):
            client.sendto(octets, (address, 0))
            client.recv(65_000)


def raw(address: str, protocol: int) -> None:
    """A packet of any protocol of IP, and what comes back."""
    with socket.socket(family(address), socket.SOCK_RAW, protocol) as client:
        client.settimeout(_PATIENCE_S)
        with suppress(OSError):
            client.sendto(b"\x00" * 32, (address, 0))
            client.recv(2000)


def inject(link: str, gateway_mac: str, source: str, destination: str, port: int = 9999) -> None:
    """A frame past the kernel's own routing, as malware with its own stack sends it."""
    segment = struct.pack("!HHHH", 40_000, port, 12, 0) + b"past"
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 7, 0, 64, 17, 0,
        socket.inet_aton(source), socket.inet_aton(destination),
    )  # fmt: skip
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((link, 0))
        own = sender.getsockname()[4][:6]
        target = bytes.fromhex(gateway_mac.replace(":", ""))
        sender.send(target + own + b"\x08\x00" + head + segment)


def mac_of(link: str) -> str:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as asking:
        asking.bind((link, 0))
        address: bytes = asking.getsockname()[4]
    return address[:6].hex(":")


def _checksum(octets: bytes) -> int:
    """RFC 1071."""
    words = octets + b"\x00" * (len(octets) % 2)
    total: int = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def dns(address: str, port: int = 53) -> None:
    """A question for an address record (RFC 1035 4.1)."""
    header = struct.pack("!HHHHHH", 0x2222, 0x0100, 1, 0, 0, 0)
    udp(address, port, header + b"\x07example\x03org\x00\x00\x01\x00\x01")


def multicast(group: str, port: int) -> None:
    with socket.socket(family(group), socket.SOCK_DGRAM) as client:
        if ":" in group:
            index = socket.if_nametoindex("intranet0")
            client.sendto(b"x", (group, port, 0, index))
        else:
            client.sendto(b"x", (group, port))


def broadcast(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.sendto(b"x", (address, port))


def loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        tcp("127.0.0.1", server.getsockname()[1])


def own_address(address: str) -> None:
    with socket.create_server((address, 0)) as server:
        tcp(address, server.getsockname()[1])


def long_answered(address: str = OUTSIDE) -> None:
    """A conversation of many packets, which stays open for a while."""
    udp(address, 9999, times=200)
