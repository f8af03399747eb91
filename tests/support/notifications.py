"""A tiny real `org.freedesktop.Notifications` on a private bus: D-Bus specification,
"Message Protocol" and "Authentication Protocol", just enough to own a name and answer.
"""

import os
import socket
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

METHOD_CALL, METHOD_RETURN = 1, 2
PATH, INTERFACE, MEMBER, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = 1, 2, 3, 5, 6, 7, 8
NAME = "org.freedesktop.Notifications"
BUS = "org.freedesktop.DBus"


@dataclass(frozen=True)
class Notified:
    application: str
    summary: str
    body: str


@dataclass(frozen=True)
class Incoming:
    kind: int
    serial: int
    fields: dict[int, str]
    body: bytes


class NotificationService:
    """Owns the name on the bus at `path`; keeps what it was asked to show."""

    def __init__(self, path: Path) -> None:
        self.shown: list[Notified] = []
        self.came = threading.Condition()
        self._serial = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._stream = self._socket.makefile("rb")
        self._authenticate()
        self._call("Hello", b"", "")
        self._call("RequestName", _string(NAME) + _padding(len(_string(NAME)), 4) + bytes(4), "su")
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def wait(self, count: int, seconds: float = 10.0) -> bool:
        with self.came:
            return self.came.wait_for(lambda: len(self.shown) >= count, seconds)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._stream.close()
        self._socket.close()

    def _authenticate(self) -> None:
        uid = str(os.getuid()).encode().hex().encode()
        self._socket.sendall(b"\0AUTH EXTERNAL " + uid + b"\r\n")
        assert self._stream.readline().startswith(b"OK ")
        self._socket.sendall(b"BEGIN\r\n")

    def _call(self, member: str, body: bytes, signature: str) -> None:
        fields = [(PATH, "o", "/org/freedesktop/DBus"), (INTERFACE, "s", BUS)]
        fields += [(MEMBER, "s", member), (DESTINATION, "s", BUS)]
        serial = self._send(METHOD_CALL, fields, body, signature)
        while True:
            answer = self._receive()
            assert answer is not None
            if answer.fields.get(REPLY_SERIAL) == str(serial):
                assert answer.kind == METHOD_RETURN
                return

    def _serve(self) -> None:
        while (call := self._receive()) is not None:
            if call.fields.get(MEMBER) != "Notify":
                continue
            reply = [(REPLY_SERIAL, "u", str(call.serial)), (DESTINATION, "s", call.fields[SENDER])]
            self._send(METHOD_RETURN, reply, struct.pack("<I", 1), "u")
            with self.came:
                self.shown.append(_notified(call.body))
                self.came.notify_all()

    def _send(
        self, kind: int, fields: list[tuple[int, str, str]], body: bytes, signature: str
    ) -> int:
        self._serial += 1
        array = b""
        for code, of_type, value in [*fields, (SIGNATURE, "g", signature)] if signature else fields:
            array += _padding(len(array), 8) + bytes([code, 1]) + of_type.encode() + b"\0"
            if of_type == "u":
                array += _padding(len(array), 4) + struct.pack("<I", int(value))
            elif of_type == "g":
                array += bytes([len(value)]) + value.encode() + b"\0"
            else:
                array += _padding(len(array), 4) + _string(value)
        head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), self._serial, len(array))
        self._socket.sendall(head + array + _padding(len(head) + len(array), 8) + body)
        return self._serial

    def _receive(self) -> Incoming | None:
        head = self._stream.read(16)
        if len(head) < 16:
            return None
        _, kind, _, _, body_length, serial, length = struct.unpack("<cBBBIII", head)
        array = self._stream.read(length + len(_padding(16 + length, 8)))[:length]
        body = self._stream.read(body_length)
        return Incoming(kind, serial, _fields(array), body)


def _fields(array: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    at = 0
    while at < len(array):
        at += len(_padding(at, 8))
        code, of_type = array[at], chr(array[at + 2])
        at += 4
        if of_type == "g":
            size, at = array[at], at + 1
        elif of_type == "u":
            found[code] = str(struct.unpack_from("<I", array, at)[0])
            at += 4
            continue
        else:
            size = struct.unpack_from("<I", array, at)[0]
            at += 4
        found[code] = array[at : at + size].decode()
        at += size + 1
    return found


def _notified(body: bytes) -> Notified:
    """The first five arguments of susssasa{sv}i."""
    application, at = _read_string(body, 0)
    at += len(_padding(at, 4)) + 4
    _icon, at = _read_string(body, at)
    summary, at = _read_string(body, at)
    text, _ = _read_string(body, at)
    return Notified(application, summary, text)


def _read_string(body: bytes, at: int) -> tuple[str, int]:
    at += len(_padding(at, 4))
    size = struct.unpack_from("<I", body, at)[0]
    at += 4
    return body[at : at + size].decode(), at + size + 1


def _string(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<I", len(encoded)) + encoded + b"\0"


def _padding(length: int, boundary: int) -> bytes:
    return bytes(-length % boundary)
