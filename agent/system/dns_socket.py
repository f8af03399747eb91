"""A packet socket of its own for the few packets of name services: man 7 packet.

Apart from the one that watches flows, so that neither the other's filter nor its bursts
matter here.  Like the segment's socket it is deaf to the selector after the first packet
(EPOLLONESHOT) until it is attended again: many questions cost one wake a pause.
"""

import ctypes
import errno
import os
import select
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.system.bpf_assembler import Instruction, packed
from agent.system.dns_filter import SNAP

_ETH_P_ALL = 0x0003
_SOL_PACKET, _STATISTICS = 263, 6
_SO_ATTACH_FILTER = 26
_OUTGOING = 4
_RECEIVE_BUFFER = 256 << 10  # bytes; some hundred answers


class Heard(NamedTuple):
    """A packet from the IP header on; `link` is the interface's name."""

    link: str
    outgoing: bool
    ethertype: int
    octets: bytes


class NameSocket:
    """Hears what the filter passes, on all links."""

    def __init__(self, program: Sequence[Instruction]) -> None:
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_PACKET, kind, 0)  # protocol 0: nothing yet
        self._epoll = select.epoll()
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            self.filter(program)
            self._bind_to_every_link()
            self._epoll.register(self._socket, select.EPOLLIN | select.EPOLLONESHOT)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Readable once, with the first packet after `attend`."""
        return self._epoll.fileno()

    def filter(self, program: Sequence[Instruction]) -> None:
        """Takes the place of the filter before; the kernel swaps them at once."""
        code = ctypes.create_string_buffer(packed(program))
        descriptor = struct.pack("HL", len(program), ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, descriptor)

    def drain(self, limit: int) -> Iterator[Heard]:
        """Packets that wait, at most so many.

        Raises:
            OSError: the socket is broken.
        """
        for _ in range(limit):
            try:
                octets, origin = self._socket.recvfrom(SNAP)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as failure:
                if failure.errno != errno.ENETDOWN:  # one link went; the others go on
                    raise
                continue
            link, ethertype, kind = origin[:3]
            yield Heard(str(link), kind == _OUTGOING, ethertype, octets)

    def attend(self) -> None:
        """The next packet makes it readable again, also one that waits already."""
        self._epoll.modify(self._socket, select.EPOLLIN | select.EPOLLONESHOT)

    def dropped(self) -> int:
        """Packets lost to a full buffer since the last call."""
        answer = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 8)
        return int(struct.unpack("=II", answer)[1])

    def close(self) -> None:
        self._epoll.close()
        self._socket.close()

    def _bind_to_every_link(self) -> None:
        """With interface index 0, which Python's own bind cannot say."""
        everything = struct.pack(
            "=HHiHBB8s", socket.AF_PACKET, socket.htons(_ETH_P_ALL), 0, 0, 0, 0, bytes(8)
        )
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.bind(self._socket.fileno(), everything, len(everything)) < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
