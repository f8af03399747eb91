"""Capture files made by hand, field by field, so that any of them can be wrong."""

import struct

ETHERNET = 1


def pcap(*packets: bytes, link_type: int = ETHERNET, order: str = "<", nanoseconds: bool = False):
    """A packet a second, from 1,000 s on, half a second past it."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    half = 500_000_000 if nanoseconds else 500_000
    whole = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, link_type)
    for number, octets in enumerate(packets):
        header = struct.pack(f"{order}IIII", 1000 + number, half, len(octets), len(octets))
        whole += header + octets
    return whole


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    padded = body + bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(padded) + 12)
    return struct.pack(f"{order}I", kind) + length + padded + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(link_type: int = ETHERNET, *options: bytes, order: str = "<") -> bytes:
    return block(1, struct.pack(f"{order}HHI", link_type, 0, 0) + b"".join(options), order)


def packet(octets: bytes, *options: bytes, ticks: int = 0, of: int = 0, order: str = "<") -> bytes:
    length = len(octets)
    head = struct.pack(f"{order}IIIII", of, ticks >> 32, ticks & 0xFFFFFFFF, length, length)
    padded = octets + bytes(-length % 4)
    return block(6, head + padded + b"".join(options), order)
