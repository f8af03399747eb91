"""The blocks of a pcapng file: draft-ietf-opsawg-pcapng, sections 3 and 4.

Sections of either byte order follow each other, each with interfaces of its own.  Blocks
that hold no packets are skipped unread, however long.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from agent.replay.records import CUT_OFF, LONGEST_RECORD, Faults, Interface, Record
from checks.facts.base import LATEST_US

_SECTION, _INTERFACE, _OBSOLETE, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_HOLDING = frozenset((_INTERFACE, _OBSOLETE, _SIMPLE, _ENHANCED))
_BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_LONGEST_BLOCK = LONGEST_RECORD + 65_536  # a packet and its options
_SHORTEST_HOLDING = 16
_STEP = 65_536
_NAME, _DESCRIPTION, _RESOLUTION, _OFFSET = 2, 3, 9, 14  # options of an interface
_FLAGS = 2  # option of a packet; its lowest two bits are the direction
_INBOUND, _OUTBOUND = 1, 2
_INTERFACES_KEPT = 4096
WRONG_BLOCK = "a block with lengths that contradict each other; nothing after it can be read"


@dataclass(frozen=True, slots=True)
class _Clock:
    """`ticks` a second; `offset` in seconds; `place` among all interfaces of the file."""

    place: int
    ticks: int = 1_000_000
    offset: int = 0

    def us(self, high: int, low: int) -> int:
        ticks = high << 32 | low
        return min(max(self.offset * 1_000_000 + ticks * 1_000_000 // self.ticks, 0), LATEST_US)


def blocks(stream: BinaryIO, faults: Faults, interfaces: list[Interface]) -> Iterator[Record]:
    """The packets; the first four bytes of the file have been read.

    What interfaces are declared is added to `interfaces`.
    """
    reader = _Reader(stream, faults, interfaces)
    kind = _SECTION
    while True:
        if kind == _SECTION:
            if not reader.begin_section():
                return
        elif (body := reader.body(holding=kind in _HOLDING)) is None:
            return
        elif body:
            yield from reader.read(kind, body)
        following = reader.next_kind()
        if following is None:
            return
        kind = following


class _Reader:
    def __init__(self, stream: BinaryIO, faults: Faults, interfaces: list[Interface]) -> None:
        self._stream = stream
        self._faults = faults
        self._interfaces = interfaces
        self._clocks: list[_Clock] = []
        self._order = "<"
        self._latest_us = 0

    def begin_section(self) -> bool:
        """Reads a section header behind its type; False when the file ends in it."""
        head = self._stream.read(8)
        order = _BYTE_ORDERS.get(head[4:])
        if order is None:
            self._faults.add(CUT_OFF if len(head) < 8 else WRONG_BLOCK)
            return False
        self._order = order
        self._clocks = []
        length = struct.unpack(f"{order}I", head[:4])[0]
        return self._length_is_possible(length, least=28) and self._skip(length - 12)

    def next_kind(self) -> int | None:
        octets = self._stream.read(4)
        if len(octets) == 4:
            return int(struct.unpack(f"{self._order}I", octets)[0])
        if octets:
            self._faults.add(CUT_OFF)
        return None

    def body(self, *, holding: bool) -> bytes | None:
        """What is between the two lengths, empty when it is not wanted; None at the end."""
        octets = self._stream.read(4)
        if len(octets) < 4:
            self._faults.add(CUT_OFF)
            return None
        length = struct.unpack(f"{self._order}I", octets)[0]
        if not self._length_is_possible(length, least=12):
            return None
        if holding and not _SHORTEST_HOLDING <= length <= _LONGEST_BLOCK:
            self._faults.add("a packet or interface of impossible length")
            holding = False
        if not holding:
            return b"" if self._skip(length - 8) else None
        body = self._stream.read(length - 8)
        if len(body) < length - 8:
            self._faults.add(CUT_OFF)
            return None
        if body[-4:] != octets:
            self._faults.add(WRONG_BLOCK)
            return None
        return body[:-4]

    def read(self, kind: int, body: bytes) -> Iterator[Record]:
        try:
            if kind == _INTERFACE:
                self._declare(body)
            elif kind == _SIMPLE:
                yield self._simple(body)
            else:
                yield self._packet(kind, body)
        except (struct.error, IndexError):
            self._faults.add("a block that is too short, or of an interface that was not declared")

    def _declare(self, body: bytes) -> None:
        link_type = struct.unpack_from(f"{self._order}H", body)[0]
        options = dict(self._options(body[8:]))
        name = options.get(_NAME) or options.get(_DESCRIPTION) or b""
        if len(self._interfaces) >= _INTERFACES_KEPT:
            raise IndexError(_INTERFACES_KEPT)
        self._clocks.append(
            _Clock(
                place=len(self._interfaces),
                ticks=_ticks(options.get(_RESOLUTION, b"\x06")),
                offset=_offset(options.get(_OFFSET, b""), self._order),
            )
        )
        shown = name.decode("utf-8", "replace").strip("\0 ")
        self._interfaces.append(Interface(link_type, shown))

    def _simple(self, body: bytes) -> Record:
        """Has neither time nor interface: the first one's, and the time before."""
        length = struct.unpack_from(f"{self._order}I", body)[0]
        return Record(self._latest_us, self._clocks[0].place, body[4 : 4 + length])

    def _packet(self, kind: int, body: bytes) -> Record:
        shape = "IIIII" if kind == _ENHANCED else "HxxIIII"
        number, high, low, captured, _ = struct.unpack_from(f"{self._order}{shape}", body)
        if captured > len(body) - 20:
            raise IndexError(captured)
        clock = self._clocks[number]
        self._latest_us = clock.us(high, low)
        octets, options = body[20 : 20 + captured], body[20 + (captured + 3 & ~3) :]
        outgoing = self._direction(dict(self._options(options))) if options else None
        return Record(self._latest_us, clock.place, octets, outgoing)

    def _direction(self, options: dict[int, bytes]) -> bool | None:
        flags = options.get(_FLAGS, b"")
        if len(flags) != 4:
            return None
        direction = struct.unpack(f"{self._order}I", flags)[0] & 3
        return {_INBOUND: False, _OUTBOUND: True}.get(direction)

    def _options(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        place = 0
        while place + 4 <= len(octets):
            code, length = struct.unpack_from(f"{self._order}HH", octets, place)
            if code == 0:
                return
            yield code, octets[place + 4 : place + 4 + length]
            place += 4 + (length + 3 & ~3)

    def _length_is_possible(self, length: int, *, least: int) -> bool:
        possible = length >= least and length % 4 == 0
        if not possible:
            self._faults.add(WRONG_BLOCK)
        return possible

    def _skip(self, left: int) -> bool:
        while left:
            read = len(self._stream.read(min(left, _STEP)))
            if not read:
                self._faults.add(CUT_OFF)
                return False
            left -= read
        return True


def _ticks(resolution: bytes) -> int:
    """A power of ten, or of two when the highest bit is set."""
    power = resolution[0] if resolution else 6
    return int(2 ** (power & 0x7F)) if power & 0x80 else int(10**power)


def _offset(octets: bytes, order: str) -> int:
    return int(struct.unpack(f"{order}q", octets)[0]) if len(octets) == 8 else 0
