"""A client for scanners that speak ICAP (RFC 3507): each file goes as the body of an HTTP answer
(RESPMOD), whose headers say nothing of where it lies.
"""

import contextlib
import os
import select
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from agent.media.engine import EngineUnavailable, FileVerdict

PORT = 1344
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 180.0
_CHUNK = 1 << 17
_HEAD_LIMIT = 1 << 16
_REQUEST = b"GET http://medium/file HTTP/1.1\r\nHost: medium\r\n\r\n"
_FOUND_IN = ("x-infection-found", "x-virus-id", "x-violations-found")
"""draft-stecher-icap-subid, and what scanners that are older than it send."""
_FAILED = FileVerdict("skipped", "engine_error")


class IcapError(Exception):
    """The server's answer is not ICAP, or the connection broke."""


class Head(msgspec.Struct, frozen=True):
    """First line and headers of an answer, their names in small letters."""

    status: int
    headers: Mapping[str, str]


class Icap:
    """One connection, made when it is first needed and again after it broke.

    `url` is `icap://HOST[:PORT]/SERVICE`.
    """

    def __init__(self, url: str) -> None:
        """Raises ValueError for a URL of another kind."""
        parts = urlsplit(url)
        if parts.scheme != "icap" or not parts.hostname or not parts.path.strip("/"):
            raise ValueError(f"{url!r} is no icap://HOST[:PORT]/SERVICE")
        self._url = url
        self._host = parts.hostname
        self._port = parts.port or PORT
        self._connection: socket.socket | None = None
        self._unread = b""
        self._preview: int | None = None

    def name(self) -> str:
        """What the scanner calls itself, on a connection that is closed again.

        Raises:
            EngineUnavailable: it does not answer.
        """
        try:
            told = self._options().headers
        except (OSError, IcapError) as broken:
            raise EngineUnavailable(f"the second scanner does not answer: {broken}") from broken
        finally:
            self.close()
        return told.get("service", "") or told.get("server", "") or "ICAP"

    def examine(self, descriptor: int) -> FileVerdict:
        """What the scanner says of this file, read from its beginning.

        Raises:
            EngineUnavailable: it cannot be reached, twice.
        """
        for last in (False, True):
            try:
                return self._examined(descriptor)
            except (OSError, IcapError) as broken:
                self.close()
                if last:
                    raise EngineUnavailable(f"the second scanner broke off: {broken}") from broken
        raise AssertionError("tried twice")

    def interrupt(self) -> None:
        """From another thread."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """May be called twice."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._unread = None, b""

    def _examined(self, descriptor: int) -> FileVerdict:
        if self._connection is None:
            told = self._options().headers
            self._preview = _number(told["preview"]) if "preview" in told else None
        size = os.fstat(descriptor).st_size
        shown = self._begin(descriptor, size)
        if self._preview is None:
            sent = self._send_rest(descriptor, 0, size)
            head = self._head()
        else:
            head, sent = self._head(), True
            if head.status == 100:
                sent = self._send_rest(descriptor, shown, size)
                head = self._head()
        verdict = self._verdict(head)
        if head.status != 204 or not sent or head.headers.get("connection", "") == "close":
            self.close()  # its answer has a body, or came before we were through
        return verdict

    def _verdict(self, head: Head) -> FileVerdict:
        """Only 204 (nothing to change) is clean: a body that was changed in any way was not."""
        if head.status == 204:
            return FileVerdict("clean")
        found = next((head.headers[name] for name in _FOUND_IN if name in head.headers), "")
        if found:
            return FileVerdict("infected", _threat(found))
        if head.status != 200:
            return _FAILED
        return FileVerdict("infected", "blocked") if self._is_refusal() else _FAILED

    def _is_refusal(self) -> bool:
        """Whether the HTTP answer that came instead says no."""
        protocol, _, status = self._line().partition(" ")
        return protocol.startswith("HTTP/") and _number(status.partition(" ")[0]) >= 400

    def _options(self) -> Head:
        self._connect()
        self._write(f"OPTIONS {self._url} ICAP/1.0\r\nHost: {self._host}\r\n\r\n".encode())
        head = self._head()
        if head.status != 200:
            raise IcapError(f"OPTIONS is answered with {head.status}")
        return head

    def _begin(self, descriptor: int, size: int) -> int:
        """The headers, and a preview where the server asks for one; how much was shown."""
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
        bodies = len(_REQUEST) + len(answer)
        wanted = "" if self._preview is None else f"Preview: {self._preview}\r\n"
        head = (
            f"RESPMOD {self._url} ICAP/1.0\r\nHost: {self._host}\r\nAllow: 204\r\n{wanted}"
            f"Encapsulated: req-hdr=0, res-hdr={len(_REQUEST)}, res-body={bodies}\r\n\r\n"
        )
        request = head.encode() + _REQUEST + answer
        if self._preview is None:
            self._write(request)
            return 0
        shown = _read(descriptor, min(self._preview, size), 0)
        end = b"0; ieof\r\n\r\n" if len(shown) == size else b"0\r\n\r\n"
        self._write(request + (_chunk(shown) if shown else b"") + end)
        return len(shown)

    def _send_rest(self, descriptor: int, place: int, size: int) -> bool:
        """From `place` on; False where the server made up its mind before the end."""
        while place < size:
            if self._has_answered():
                return False
            part = _read(descriptor, min(_CHUNK, size - place), place)
            if not part:
                raise IcapError("the file became shorter")
            self._write(_chunk(part))
            place += len(part)
        self._write(b"0\r\n\r\n")
        return True

    def _connect(self) -> None:
        self.close()
        connection = socket.create_connection((self._host, self._port), _CONNECT_SECONDS)
        connection.settimeout(_ANSWER_SECONDS)
        self._connection = connection

    def _write(self, octets: bytes) -> None:
        assert self._connection is not None, "written before it was connected"
        self._connection.sendall(octets)

    def _has_answered(self) -> bool:
        assert self._connection is not None, "asked before it was connected"
        return bool(self._unread or select.select([self._connection], [], [], 0)[0])

    def _head(self) -> Head:
        protocol, _, status = self._line().partition(" ")
        if not protocol.startswith("ICAP/"):
            raise IcapError("what answers there does not speak ICAP")
        headers = {}
        while line := self._line():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Head(_number(status.partition(" ")[0]), headers)

    def _line(self) -> str:
        assert self._connection is not None, "read before it was connected"
        while b"\n" not in self._unread:
            if len(self._unread) > _HEAD_LIMIT:
                raise IcapError("an answer without end")
            part = self._connection.recv(1 << 14)
            if not part:
                raise IcapError("the connection was closed")
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")


def _threat(told: str) -> str:
    """`Type=0; Resolution=2; Threat=Eicar;` or the name alone."""
    named = [part.partition("=")[2] for part in told.split(";") if "threat=" in part.lower()]
    return (named[0] if named else told).strip()[:200] or "blocked"


def _chunk(octets: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(octets), octets)


def _read(descriptor: int, length: int, place: int) -> bytes:
    return os.pread(descriptor, length, place) if length else b""


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
