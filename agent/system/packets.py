"""One packet socket over all links, filtered in the kernel: man 7 packet, man 2 recvmmsg."""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.system.bpf_assembler import Instruction
from agent.system.bpf_headers import SNAP
from agent.system.packet_listening import (
    attach_filter,
    bind_to_every_link,
    dropped_by,
    silent_socket,
)

_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35  # 64 on machines whose time_t was 32 bits wide; those are not served
_RECEIVE_BUFFER = 64 << 20
"""Bytes, which the kernel doubles.  A waiting packet counts about 1 KiB of it however small it
is: the 60,000 of 20,000 connections in half a second wait in it.  Only what waits is used."""
_PACKET_OUTGOING = 4

_BATCH = 64
_MESSAGE = struct.Struct("=QI4xQQQQi4xI4x")  # struct mmsghdr, 64-bit
_VECTOR = struct.Struct("=QQ")  # struct iovec
_ADDRESS = struct.Struct("=HHiHBB8s")  # struct sockaddr_ll
_TIMESTAMP = struct.Struct("=QiiqQ")  # struct cmsghdr with struct timespec


class Frame(NamedTuple):
    """A packet as it came: `octets` from the IP header on, at most SNAP bytes of it."""

    at_us: int
    link: int
    outgoing: bool
    ethertype: int
    octets: bytes


class PacketSocket:
    """Delivers what the filter passes; never anything from before the filter."""

    def __init__(self, program: Sequence[Instruction]) -> None:
        self._socket = silent_socket(socket.SOCK_DGRAM)
        self._batch = _Batch()
        self._enlarge()
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.filter(program)
        bind_to_every_link(self._socket)

    def fileno(self) -> int:
        return self._socket.fileno()

    def filter(self, program: Sequence[Instruction]) -> None:
        """Takes the place of the filter before; the kernel swaps them at once."""
        attach_filter(self._socket, program)

    def drain(self, limit: int) -> Iterator[Frame]:
        """What waits; stops after about so many, the rest stays readable.

        Raises:
            OSError: the socket is broken.
        """
        seen = 0
        while seen < limit:
            frames = self._batch.receive(self._socket.fileno())
            yield from frames
            seen += len(frames)
            if len(frames) < _BATCH:
                return

    def dropped(self) -> int:
        """Packets lost to a full buffer since the last call."""
        return dropped_by(self._socket)

    def close(self) -> None:
        self._socket.close()

    def _enlarge(self) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


class _Batch:
    """Buffers for one recvmmsg: many packets for one system call, and the interface's
    index, which Python's own recvmsg replaces by a name it looks up each time.
    """

    def __init__(self) -> None:
        self._names = ctypes.create_string_buffer(_BATCH * _ADDRESS.size)
        self._controls = ctypes.create_string_buffer(_BATCH * _TIMESTAMP.size)
        self._octets = ctypes.create_string_buffer(_BATCH * SNAP)
        self._vectors = ctypes.create_string_buffer(b"".join(map(self._vector, range(_BATCH))))
        self._fresh = b"".join(map(self._message, range(_BATCH)))
        self._messages = ctypes.create_string_buffer(self._fresh, len(self._fresh))
        self._recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg

    def receive(self, descriptor: int) -> list[Frame]:
        ctypes.memmove(self._messages, self._fresh, len(self._fresh))
        count = self._recvmmsg(descriptor, self._messages, _BATCH, socket.MSG_DONTWAIT, None)
        if count < 0:
            code = ctypes.get_errno()
            if code in (errno.EAGAIN, errno.EINTR, errno.ENETDOWN):
                return []
            raise OSError(code, os.strerror(code))
        names, controls, octets = self._names.raw, self._controls.raw, self._octets.raw
        messages = _MESSAGE.iter_unpack(self._messages.raw[: count * _MESSAGE.size])
        frames = []
        for place, message in enumerate(messages):
            _, protocol, index, _, kind, _, _ = _ADDRESS.unpack_from(names, place * _ADDRESS.size)
            seconds, nanoseconds = _TIMESTAMP.unpack_from(controls, place * _TIMESTAMP.size)[3:]
            start = place * SNAP
            frames.append(
                Frame(
                    at_us=seconds * 1_000_000 + nanoseconds // 1000,
                    link=index,
                    outgoing=kind == _PACKET_OUTGOING,
                    ethertype=socket.ntohs(protocol),
                    octets=octets[start : start + message[-1]],
                )
            )
        return frames

    def _vector(self, place: int) -> bytes:
        return _VECTOR.pack(ctypes.addressof(self._octets) + place * SNAP, SNAP)

    def _message(self, place: int) -> bytes:
        return _MESSAGE.pack(
            ctypes.addressof(self._names) + place * _ADDRESS.size,
            _ADDRESS.size,
            ctypes.addressof(self._vectors) + place * _VECTOR.size,
            1,
            ctypes.addressof(self._controls) + place * _TIMESTAMP.size,
            _TIMESTAMP.size,
            0,
            0,
        )
