"""A session with a clamd(8) in the network: files go as streams (INSTREAM) and their answers come
as they are ready.

clamd answers for a file beyond its StreamMaxLength as too large, and breaks the connection off.
"""

import contextlib
import os
import socket
import struct

from agent.media.engine import EngineUnavailable, FileVerdict, parse_verdict

_CHUNK = 1 << 17
_LENGTH = struct.Struct("!I")
_STREAM = b"zINSTREAM\0"
_END = _LENGTH.pack(0)
_REPLY_MOST = 1 << 16


class StreamSession:
    """Fits EngineSession."""

    def __init__(self, connection: socket.socket) -> None:
        self._tickets = 0
        self._unreadable: set[int] = set()
        self._wire = _Wire(connection)

    def submit(self, descriptor: int) -> int:
        """A file that breaks off in the middle ends its stream, and counts as unread."""
        self._tickets += 1
        if not self._wire.send(self._tickets, descriptor):
            self._unreadable.add(self._tickets)
        return self._tickets

    def verdict(self) -> tuple[int, FileVerdict]:
        """Raises EngineUnavailable when the connection broke."""
        answered = self._wire.answer()
        if answered is None:
            raise EngineUnavailable("clamd broke off")
        ticket, said = answered
        if ticket in self._unreadable:
            return ticket, FileVerdict("skipped", "unreadable")
        return ticket, parse_verdict(said)

    def interrupt(self) -> None:
        self._wire.interrupt()

    def close(self) -> None:
        self._wire.close()


class _Wire:
    """One IDSESSION, in which clamd counts what it is sent from 1."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._sent: list[int] = []
        self._unread = b""
        self._is_open = self._written(b"zIDSESSION\0")

    def send(self, ticket: int, descriptor: int) -> bool:
        """Nothing on a connection that broke.  False when the file cannot be read to its end."""
        if not self._is_open:
            return True
        self._sent.append(ticket)
        size = os.fstat(descriptor).st_size
        ahead, place, is_whole = _STREAM, 0, True
        while self._is_open:
            try:
                chunk = os.pread(descriptor, _CHUNK, place)
            except OSError:
                chunk, is_whole = b"", False
            place += len(chunk)
            ends = not chunk or (len(chunk) < _CHUNK and place >= size)  # small ones in one piece
            self._is_open = self._written(ahead + _part(chunk) + (_END if ends else b""))
            ahead = b""
            if ends:
                break
        return is_whole

    def answer(self) -> tuple[int, str] | None:
        """Of which ticket, and what; None when none will come any more."""
        while b"\0" not in self._unread:
            part = self._received()
            if not part or len(self._unread) > _REPLY_MOST:
                return None
            self._unread += part
        reply, _, self._unread = self._unread.partition(b"\0")
        number, _, said = reply.decode("utf-8", "replace").partition(": ")
        if not number.isdecimal() or not 0 < int(number) <= len(self._sent):
            return None  # a word about the session, which ends: COMMAND READ TIMED OUT
        return self._sent[int(number) - 1], said

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):  # the other end was faster
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.interrupt()
        self._connection.close()

    def _written(self, octets: bytes) -> bool:
        try:
            self._connection.sendall(octets)
        except OSError:
            return False
        return True

    def _received(self) -> bytes:
        try:
            return self._connection.recv(1 << 14)
        except OSError:
            return b""


def _part(chunk: bytes) -> bytes:
    return _LENGTH.pack(len(chunk)) + chunk if chunk else b""
