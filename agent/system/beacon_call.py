"""One question to the beacon over one link and no other: SO_BINDTODEVICE, socket(7)."""

import socket
import time

from checks.beacon import BODY_LIMIT, PATH

PATIENCE = 5.0
"""Seconds for all of it: who answers byte by byte is not waited for."""
_HEAD_LIMIT = 2_048


class NoAnswer(Exception):
    """Nothing came, or nothing that is an answer; the message says what."""


def ask(interface: str, source: str, beacon: tuple[str, int], body: bytes) -> bytes:
    """The answer's body.  Nothing is resolved: the beacon is known by its address.

    Raises:
        NoAnswer.
    """
    until = time.monotonic() + PATIENCE
    family = socket.AF_INET6 if ":" in beacon[0] else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as link:
            link.settimeout(PATIENCE)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
            link.bind((source, 0))
            link.connect(beacon)
            link.sendall(_request(beacon, body))
            return _body_of(_read_all(link, until))
    except OSError as silent:
        raise NoAnswer(str(silent)) from silent


def _request(beacon: tuple[str, int], body: bytes) -> bytes:
    host = f"[{beacon[0]}]" if ":" in beacon[0] else beacon[0]
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {host}:{beacon[1]}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def _read_all(link: socket.socket, until: float) -> bytes:
    """Raises OSError, NoAnswer."""
    answer = bytearray()
    while part := _read_some(link, until):
        answer += part
        if len(answer) > _HEAD_LIMIT + BODY_LIMIT:
            raise NoAnswer("an answer that is too large")
    return bytes(answer)


def _read_some(link: socket.socket, until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise NoAnswer("an answer that does not end")
    link.settimeout(left)
    return link.recv(_HEAD_LIMIT)


def _body_of(answer: bytes) -> bytes:
    head, ended, body = answer.partition(b"\r\n\r\n")
    if not ended or b" 200 " not in head.split(b"\r\n")[0]:
        raise NoAnswer("no answer of a beacon")
    return body
