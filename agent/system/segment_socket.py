"""A packet socket that hears whole Ethernet frames of a segment: man 7 packet.

Hosts greet each other all day; they are read in bundles.
"""

import socket
import struct
from collections.abc import Collection, Iterator, Sequence

from agent.system.bpf_assembler import Instruction
from agent.system.packet_listening import SOL_PACKET, BundledSocket
from agent.system.segment_filter import SNAP

_ADD_MEMBERSHIP = 1
_MULTICAST_MEMBERSHIP = 0  # PACKET_MR_MULTICAST
_MEMBERSHIP = struct.Struct("=iHH8s")  # struct packet_mreq
_NOTHING: Sequence[Instruction] = ((0x06, 0, 0, 0),)


class SegmentSocket(BundledSocket):
    """Hears what the filter passes, on all links; nothing before the first `filter`."""

    def __init__(self) -> None:
        super().__init__(socket.SOCK_RAW, _NOTHING, snap=SNAP, own_too=False)

    def join(self, links: Collection[int], group: bytes) -> None:
        """Lets the cards of these links take in frames to a group address; one that is
        gone meanwhile is passed over.
        """
        for index in links:
            wanted = _MEMBERSHIP.pack(index, _MULTICAST_MEMBERSHIP, len(group), group)
            try:
                self.socket.setsockopt(SOL_PACKET, _ADD_MEMBERSHIP, wanted)
            except OSError:
                continue

    def drain(self, limit: int) -> Iterator[tuple[str, bytes]]:
        """Frames that wait, with the link's name; at most so many."""
        for frame, origin in self.received(limit):
            yield str(origin[0]), frame
