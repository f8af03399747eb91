"""Packet sockets that hear all links, and those that are read in bundles: man 7 packet."""

import ctypes
import errno
import os
import select
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from agent.system.bpf_assembler import Instruction, packed

SOL_PACKET = 263
_ETH_P_ALL = 0x0003
_STATISTICS, _IGNORE_OUTGOING = 6, 23
_SO_ATTACH_FILTER = 26
_RECEIVE_BUFFER = 256 << 10  # bytes; some hundred packets, the rest of a flood says nothing new
_ADDRESS = struct.Struct("=HHiHBB8s")  # struct sockaddr_ll


def silent_socket(kind: socket.SocketKind) -> socket.socket:
    """Hears nothing until it is bound."""
    return socket.socket(socket.AF_PACKET, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, 0)


def attach_filter(listening: socket.socket, program: Sequence[Instruction]) -> None:
    """Takes the place of the filter before; the kernel swaps them at once."""
    code = ctypes.create_string_buffer(packed(program))
    descriptor = struct.pack("HL", len(program), ctypes.addressof(code))
    listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, descriptor)


def bind_to_every_link(listening: socket.socket) -> None:
    """With interface index 0, which Python's own bind cannot say.  Raises OSError."""
    everything = _ADDRESS.pack(socket.AF_PACKET, socket.htons(_ETH_P_ALL), 0, 0, 0, 0, bytes(8))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(listening.fileno(), everything, len(everything)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def dropped_by(listening: socket.socket) -> int:
    """Packets lost to a full buffer since the last call."""
    answer = listening.getsockopt(SOL_PACKET, _STATISTICS, 8)
    return int(struct.unpack("=II", answer)[1])


class BundledSocket:
    """The first packet wakes at once; then the socket is deaf to the selector (EPOLLONESHOT,
    man 2 epoll_ctl) until it is attended again, so that many packets cost one wake a pause
    and not one each.  `own_too`: also what this machine sends.
    """

    def __init__(
        self,
        kind: socket.SocketKind,
        program: Sequence[Instruction],
        *,
        snap: int,
        own_too: bool = True,
    ) -> None:
        self.socket = silent_socket(kind)
        self._snap = snap
        self._epoll = select.epoll()
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            if not own_too:
                self.socket.setsockopt(SOL_PACKET, _IGNORE_OUTGOING, 1)
            self.filter(program)
            bind_to_every_link(self.socket)
            self._epoll.register(self.socket, select.EPOLLIN | select.EPOLLONESHOT)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Readable once, with the first packet after `attend`."""
        return self._epoll.fileno()

    def filter(self, program: Sequence[Instruction]) -> None:
        """Takes the place of the filter before."""
        attach_filter(self.socket, program)

    def received(self, limit: int) -> Iterator[tuple[bytes, Any]]:
        """Packets that wait, at most so many, each with its address (socket module, AF_PACKET).

        Raises:
            OSError: the socket is broken.
        """
        for _ in range(limit):
            try:
                yield self.socket.recvfrom(self._snap)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as failure:
                if failure.errno != errno.ENETDOWN:  # one link went; the others go on
                    raise

    def attend(self) -> None:
        """The next packet makes it readable again, also one that waits already."""
        self._epoll.modify(self.socket, select.EPOLLIN | select.EPOLLONESHOT)

    def dropped(self) -> int:
        """Packets lost to a full buffer since the last call."""
        return dropped_by(self.socket)

    def close(self) -> None:
        self._epoll.close()
        self.socket.close()
