"""Flows as sockets tell of them, where packets may not be captured.

The kernel announces every TCP socket that ends (SKNLGRP_INET_TCP_DESTROY of
linux/sock_diag.h, no privilege needed); what is open is read at a beat.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from agent.system.nlmsg import Announcements, Overrun
from agent.system.sockdiag import NETLINK_SOCK_DIAG, SocketRow, SocketTable, parse_row

_TCP, _UDP = 6, 17
_TCP_DESTROY, _TCP6_DESTROY = 1 << 0, 1 << 2  # SKNLGRP_* less one
_BEAT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class WatchedSocket:
    """`answered`: the other side has spoken to it; a datagram socket does not tell."""

    protocol: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int
    cookie: int
    answered: bool


class SocketWatch:
    """Readable when a TCP socket has ended; wanted again at `deadline`."""

    blind = (
        "connections are told from sockets: datagrams, ICMP and other protocols "
        "and what is forwarded stay unseen or count as attempts"
    )

    def __init__(self, table: SocketTable) -> None:
        self._table = table
        self._ended = Announcements(NETLINK_SOCK_DIAG, _TCP_DESTROY | _TCP6_DESTROY)
        self._next_beat = 0.0

    def fileno(self) -> int:
        return self._ended.fileno()

    def deadline(self) -> float:
        return self._next_beat

    def rows(self, now: float) -> Iterator[WatchedSocket]:
        """What has ended since, and at the beat everything that is open to somebody."""
        try:
            for message in self._ended.drain():
                yield from _parsed(message.payload)
        except Overrun:
            self._next_beat = now
        if now >= self._next_beat:
            self._next_beat = now + _BEAT_SECONDS
            for row in self._table.asking():
                yield _watched(_TCP, row, answered=False)
            for row in self._table.connected():
                yield _watched(_TCP, row, answered=True)
            for row in self._table.datagrams():
                yield _watched(_UDP, row, answered=False)

    def close(self) -> None:
        self._ended.close()


def _parsed(payload: bytes) -> Iterator[WatchedSocket]:
    """A listener that ends has no other side."""
    try:
        row = parse_row(payload)
    except struct.error:
        return
    if row.remote_port:
        yield _watched(_TCP, row, answered=row.established or row.measured)


def _watched(protocol: int, row: SocketRow, *, answered: bool) -> WatchedSocket:
    return WatchedSocket(
        protocol, row.local, row.local_port, row.remote, row.remote_port,
        row.cookie & 0xFFFFFFFF, answered,
    )  # fmt: skip
