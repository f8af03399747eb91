"""Netlink messages and the sockets that carry them: man 7 netlink, linux/netlink.h."""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

ERROR, DONE = 2, 3
REQUEST, ACK, CREATE, DUMP, DUMP_INTERRUPTED = 0x1, 0x4, 0x400, 0x300, 0x10

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ATTRIBUTE_TYPE = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_RECEIVE = 1 << 17
_DUMP_TRIES = 4
_PATIENCE_SECONDS = 2.0
_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1


class Overrun(Exception):
    """The kernel had more to say than the socket could hold (ENOBUFS)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message without its header."""

    type: int
    flags: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Order:
    """Something that the kernel shall do; `flags` beside REQUEST."""

    kind: int
    body: bytes
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What reading announcements brought; after an overrun anything may have changed."""

    changed: bool
    overrun: bool


def messages(datagram: bytes) -> Iterator[Message]:
    """Every whole message of a datagram; a torn one at the end is left out."""
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, flags, _, _ = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size or offset + length > len(datagram):
            return
        yield Message(kind, flags, datagram[offset + _HEADER.size : offset + length])
        offset += _aligned(length)


def attributes(payload: bytes, offset: int) -> dict[int, bytes]:
    """Attributes by type from this offset on; the last one of a type wins."""
    return dict(each_attribute(payload, offset))


def each_attribute(payload: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Types and values from this offset on, in order; a torn one ends them."""
    while offset + _ATTRIBUTE.size <= len(payload):
        length, kind = _ATTRIBUTE.unpack_from(payload, offset)
        if length < _ATTRIBUTE.size or offset + length > len(payload):
            return
        yield kind & _ATTRIBUTE_TYPE, payload[offset + _ATTRIBUTE.size : offset + length]
        offset += _aligned(length)


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(_aligned(length) - length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3


class Questions:
    """A netlink socket that is only asked, never subscribed."""

    def __init__(self, protocol: int) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        self._socket.settimeout(_PATIENCE_SECONDS)
        self._sequence = 0

    def dump(self, kind: int, body: bytes) -> list[Message]:
        """A whole table, read again when it changed while it was being read.

        Raises:
            OSError: the kernel refused.  A table that changed every time is returned as
                last read: its change has been announced, and it is asked for again.
        """
        for _ in range(_DUMP_TRIES):
            found = self._ask(kind, REQUEST | DUMP, body, many=True)
            if not any(message.flags & DUMP_INTERRUPTED for message in found):
                return found
        return found

    def one(self, kind: int, body: bytes) -> Message:
        """The answer to one question.

        Raises:
            OSError: the kernel's refusal (ENETUNREACH, ENOENT, …).
        """
        return self._ask(kind, REQUEST, body, many=False)[0]

    def order(self, order: Order) -> None:
        """Returns when it is done.  Raises OSError: the kernel's refusal."""
        self._send((order,), acknowledged=order)
        self._await_done()

    def transact(self, opening: Order, orders: tuple[Order, ...], closing: Order) -> None:
        """All of the orders or none: linux/netfilter/nfnetlink.h, NFNL_MSG_BATCH_BEGIN.

        Raises:
            OSError: the kernel's first refusal.
        """
        self._send((opening, *orders, closing), acknowledged=orders[-1])
        self._await_done()

    def _send(self, orders: tuple[Order, ...], *, acknowledged: Order) -> None:
        self._sequence += 1
        datagram = b""
        for order in orders:
            flags = REQUEST | order.flags | (ACK if order is acknowledged else 0)
            length = _HEADER.size + len(order.body)
            datagram += _HEADER.pack(length, order.kind, flags, self._sequence, 0) + order.body
            datagram += bytes(_aligned(length) - length)
        self._socket.send(datagram)

    def _await_done(self) -> None:
        """Refusals come before the acknowledgement of what was sent last."""
        while True:
            answer = self._socket.recv(_RECEIVE)
            if _HEADER.unpack_from(answer)[3] != self._sequence:
                continue
            for message in messages(answer):
                if message.type == ERROR and struct.unpack_from("=i", message.payload)[0]:
                    raise _refusal(message)
                if message.type == ERROR:
                    return

    def close(self) -> None:
        self._socket.close()

    def _ask(self, kind: int, flags: int, body: bytes, *, many: bool) -> list[Message]:
        self._sequence += 1
        header = _HEADER.pack(_HEADER.size + len(body), kind, flags, self._sequence, 0)
        self._socket.send(header + body)
        found: list[Message] = []
        while True:
            datagram = self._socket.recv(_RECEIVE)
            if _HEADER.unpack_from(datagram)[3] != self._sequence:
                continue  # the tail of an answer that somebody gave up on
            for message in messages(datagram):
                if message.type == DONE:
                    return found
                if message.type == ERROR:
                    raise _refusal(message)
                found.append(message)
            if not many and found:
                return found


class Announcements:
    """A netlink socket subscribed to multicast groups; never blocks."""

    def __init__(self, protocol: int, groups: int, *, receive_buffer: int = 1 << 20) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = socket.socket(socket.AF_NETLINK, kind, protocol)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.bind((0, groups))

    def fileno(self) -> int:
        return self._socket.fileno()

    def join(self, group: int) -> None:
        """Also this multicast group, by its number (those above 32 have no bit)."""
        self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)

    def drain(self) -> Iterator[Message]:
        """Everything that waits.

        Raises:
            Overrun: something was lost; what was read so far has been yielded.
        """
        lost = False
        while True:
            try:
                datagram = self._socket.recv(_RECEIVE)
            except BlockingIOError:
                break
            except OSError as failure:
                if failure.errno != errno.ENOBUFS:
                    raise
                lost = True
                continue
            yield from messages(datagram)
        if lost:
            raise Overrun

    def close(self) -> None:
        self._socket.close()


def _refusal(message: Message) -> OSError:
    code = -struct.unpack_from("=i", message.payload)[0]
    return OSError(code, os.strerror(code))
