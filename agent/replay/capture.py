"""Capture files as records: pcap and pcapng, streamed.

draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.  Whatever a file claims, no more than
one record is held in memory, every step reads on, and what cannot be read is counted.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Literal

from agent.replay.pcapng import blocks
from agent.replay.records import (
    CUT_OFF,
    LONGEST_RECORD,
    Faults,
    Interface,
    NotACapture,
    Record,
)

SECTION_HEADER = b"\x0a\x0d\x0d\x0a"

_PCAP_MAGICS: dict[bytes, tuple[Literal["<", ">"], int]] = {
    b"\xd4\xc3\xb2\xa1": ("<", 1),
    b"\xa1\xb2\xc3\xd4": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1000),
}
"""Byte order, and how many of its ticks are a microsecond."""
_LINK_TYPE_MASK = 0x0FFF_FFFF  # above: whether and how long a frame check sequence is
_OTHER_FILES = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zX": "xz", b"BZh": "bzip2"}


class Capture:
    """An open capture; `interfaces` grows while records are read."""

    def __init__(self, stream: BinaryIO, faults: Faults) -> None:
        """Raises NotACapture."""
        self._stream = stream
        self._faults = faults
        self.interfaces: list[Interface] = []
        self._magic = stream.read(4)
        if self._magic not in _PCAP_MAGICS and self._magic != SECTION_HEADER:
            raise NotACapture(_looks_like(self._magic))

    def records(self) -> Iterator[Record]:
        if self._magic == SECTION_HEADER:
            yield from blocks(self._stream, self._faults, self.interfaces)
        else:
            yield from self._pcap(*_PCAP_MAGICS[self._magic])

    def _pcap(self, order: str, ticks: int) -> Iterator[Record]:
        head = self._stream.read(20)
        if len(head) < 20:
            self._faults.add(CUT_OFF)
            return
        self.interfaces.append(Interface(struct.unpack(f"{order}16xI", head)[0] & _LINK_TYPE_MASK))
        header = struct.Struct(f"{order}IIII")
        while start := self._stream.read(header.size):
            if len(start) < header.size:
                self._faults.add(CUT_OFF)
                return
            seconds, fraction, captured, _ = header.unpack(start)
            if captured > LONGEST_RECORD:
                self._faults.add("a record of impossible length; nothing after it can be read")
                return
            octets = self._stream.read(captured)
            if len(octets) < captured:
                self._faults.add(CUT_OFF)
                return
            yield Record(seconds * 1_000_000 + fraction // ticks, 0, octets)


def _looks_like(magic: bytes) -> str:
    for start, name in _OTHER_FILES.items():
        if magic.startswith(start):
            return f"compressed with {name}; unpack it first"
    return "empty" if not magic else "neither pcap nor pcapng"
