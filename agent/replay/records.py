"""What capture files of every format are read into, and what of them could not be read."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

LONGEST_RECORD = 262_144
"""Bytes; the MAXIMUM_SNAPLEN of libpcap.  A record that claims more is a lie."""
CUT_OFF = "cut off in the middle"


class Record(NamedTuple):
    """One captured packet.  `interface` counts the file's interfaces from 0; `at_us` is
    wall clock, microseconds since the epoch; `outgoing` is None where the file does not say.
    """

    at_us: int
    interface: int
    octets: bytes
    outgoing: bool | None = None


@dataclass(frozen=True, slots=True)
class Interface:
    """Where packets were taken; `link_type` is a LINKTYPE_ number of tcpdump.org."""

    link_type: int
    name: str = ""


class NotACapture(Exception):
    """The file is neither pcap nor pcapng; the message says what it looks like."""


class Faults:
    """Counts; nothing that could not be read goes unsaid."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        self._reasons[reason] += 1

    def __len__(self) -> int:
        return self._reasons.total()

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Reasons with their counts, the most frequent first."""
        return iter(self._reasons.most_common())
