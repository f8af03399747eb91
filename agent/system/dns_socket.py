"""A packet socket of its own for the few packets of name services.

Apart from the one that watches flows, so that neither the other's filter nor its bursts
matter here.
"""

import socket
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.system.bpf_assembler import Instruction
from agent.system.dns_filter import SNAP
from agent.system.packet_listening import BundledSocket

_OUTGOING = 4  # PACKET_OUTGOING


class Heard(NamedTuple):
    """A packet from the IP header on; `link` is the interface's name."""

    link: str
    outgoing: bool
    ethertype: int
    octets: bytes


class NameSocket(BundledSocket):
    """Hears what the filter passes, on all links."""

    def __init__(self, program: Sequence[Instruction]) -> None:
        super().__init__(socket.SOCK_DGRAM, program, snap=SNAP)

    def drain(self, limit: int) -> Iterator[Heard]:
        """Packets that wait, at most so many.  Raises OSError: the socket is broken."""
        for octets, origin in self.received(limit):
            link, ethertype, kind = origin[:3]
            yield Heard(str(link), kind == _OUTGOING, ethertype, octets)
