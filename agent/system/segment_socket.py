"""A packet socket that hears whole Ethernet frames of a segment, in bundles: man 7 packet.

Hosts greet each other all day.  The first frame wakes at once; then the socket is deaf to
the selector (EPOLLONESHOT, man 2 epoll_ctl) until it is read again after a pause, so that a
busy segment costs one wake a pause and not one a frame.
"""

import ctypes
import errno
import os
import select
import socket
import struct
from collections.abc import Collection, Iterator, Sequence

from agent.system.bpf_assembler import Instruction, packed
from agent.system.segment_filter import SNAP

_ETH_P_ALL = 0x0003
_SOL_PACKET, _ADD_MEMBERSHIP, _STATISTICS, _IGNORE_OUTGOING = 263, 1, 6, 23
_MULTICAST_MEMBERSHIP = 0  # PACKET_MR_MULTICAST
_SO_ATTACH_FILTER = 26
_RECEIVE_BUFFER = 256 << 10  # bytes; some hundred frames, the rest of a flood says nothing new
_MEMBERSHIP = struct.Struct("=iHH8s")  # struct packet_mreq
_NOTHING: Sequence[Instruction] = ((0x06, 0, 0, 0),)


class SegmentSocket:
    """Hears what the filter passes, on all links; nothing before the first `listen`."""

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_PACKET, kind, 0)  # protocol 0: nothing yet
        self._epoll = select.epoll()
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
            self._filter(_NOTHING)
            self._bind_to_every_link()
            self._epoll.register(self._socket, select.EPOLLIN | select.EPOLLONESHOT)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Readable once, with the first frame after `attend`."""
        return self._epoll.fileno()

    def listen(self, program: Sequence[Instruction]) -> None:
        """Takes the place of the filter before."""
        self._filter(program)

    def join(self, links: Collection[int], group: bytes) -> None:
        """Lets the cards of these links take in frames to a group address; one that is
        gone meanwhile is passed over.
        """
        for index in links:
            wanted = _MEMBERSHIP.pack(index, _MULTICAST_MEMBERSHIP, len(group), group)
            try:
                self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, wanted)
            except OSError:
                continue

    def drain(self, limit: int) -> Iterator[tuple[str, bytes]]:
        """Frames that wait, with the link's name; at most so many."""
        for _ in range(limit):
            try:
                frame, origin = self._socket.recvfrom(SNAP)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as failure:
                if failure.errno != errno.ENETDOWN:  # one link went; the others go on
                    raise
                continue
            yield str(origin[0]), frame

    def attend(self) -> None:
        """The next frame makes it readable again, also one that waits already."""
        self._epoll.modify(self._socket, select.EPOLLIN | select.EPOLLONESHOT)

    def dropped(self) -> int:
        """Frames lost to a full buffer since the last call."""
        answer = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8)
        return int(struct.unpack("=II", answer)[1])

    def close(self) -> None:
        self._epoll.close()
        self._socket.close()

    def _filter(self, program: Sequence[Instruction]) -> None:
        code = ctypes.create_string_buffer(packed(program))
        descriptor = struct.pack("HL", len(program), ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, descriptor)

    def _bind_to_every_link(self) -> None:
        """With interface index 0, which Python's own bind cannot say."""
        everything = struct.pack(
            "=HHiHBB8s", socket.AF_PACKET, socket.htons(_ETH_P_ALL), 0, 0, 0, 0, bytes(8)
        )
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.bind(self._socket.fileno(), everything, len(everything)) < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
