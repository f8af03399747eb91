"""The kernel's table of TCP and UDP sockets: man 7 sock_diag, linux/inet_diag.h."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from agent.system.nlmsg import Questions, attributes

NETLINK_SOCK_DIAG = 4
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_INET_DIAG_INFO = 2
_ESTABLISHED, _SYN_SENT, TIME_WAIT, LISTEN = 1, 2, 6, 10
_CONNECTED = sum(1 << state for state in (1, 4, 5, 8))  # and FIN_WAIT1/2, CLOSE_WAIT
_EXTENSION_INFO = 1 << (_INET_DIAG_INFO - 1)
_BYTES_RECEIVED = 128  # offset of tcpi_bytes_received in struct tcp_info
_RTT = 68  # offset of tcpi_rtt, 0 before the other side has acknowledged anything
_NO_COOKIE = b"\xff" * 8
_REQUEST = struct.Struct("=BBBxI")
_ROW = struct.Struct("=BBBB")
_ENDS = struct.Struct(">HH16s16s")
_TAIL = struct.Struct("=IIII")  # expires, rqueue, wqueue, uid; the inode follows
_ID_OFFSET, _COOKIE_OFFSET, _TAIL_OFFSET, _ROW_SIZE = 4, 44, 52, 72


@dataclass(frozen=True, slots=True)
class SocketRow:
    """Addresses packed, an IPv4 peer of a dual-stack socket as IPv4.  `received` are
    bytes, -1 where the kernel does not say.  `measured`: a TCP peer has acknowledged
    something (the kernel knows a round-trip time).  `inode` is 0 for a socket that no process
    holds any more.
    """

    state: int
    local: bytes
    local_port: int
    remote: bytes
    remote_port: int
    uid: int
    inode: int
    cookie: int
    received: int
    measured: bool = False

    @property
    def established(self) -> bool:
        return self.state == _ESTABLISHED


class SocketTable:
    """Answers about sockets of this network namespace.  No privilege needed."""

    def __init__(self) -> None:
        self._questions = Questions(NETLINK_SOCK_DIAG)

    def connected(self) -> list[SocketRow]:
        """TCP connections that have been accepted by both sides and are not over."""
        return self._dump(_CONNECTED, _EXTENSION_INFO)

    def lately_closed(self) -> list[SocketRow]:
        """TCP connections that this machine ended within the last minute; no process holds
        them any more.
        """
        return self._dump(1 << TIME_WAIT, 0)

    def asking(self) -> list[SocketRow]:
        """TCP connections that wait for the first answer."""
        return self._dump(1 << _SYN_SENT, 0)

    def datagrams(self) -> list[SocketRow]:
        """UDP sockets that are bound to one other side."""
        return self._dump(1 << _ESTABLISHED, 0, socket.IPPROTO_UDP)

    def listening(self) -> list[SocketRow]:
        return self._dump(1 << LISTEN, 0)

    def holder(
        self, protocol: int, local: tuple[bytes, int], remote: tuple[bytes, int]
    ) -> SocketRow | None:
        """The socket of exactly this flow; None when there is none (any more)."""
        family = socket.AF_INET if len(local[0]) == 4 else socket.AF_INET6
        # UDP's lookup wants the ends as an arriving packet has them: net/ipv4/udp_diag.c
        ends = (remote, local) if protocol == socket.IPPROTO_UDP else (local, remote)
        body = _REQUEST.pack(family, protocol, 0, 0xFFFFFFFF) + _socket_id(*ends)
        try:
            answer = self._questions.one(_BY_FAMILY, body)
        except OSError:
            return None  # ENOENT: gone
        return parse_row(answer.payload)

    def close(self) -> None:
        self._questions.close()

    def _dump(
        self, states: int, extensions: int, protocol: int = socket.IPPROTO_TCP
    ) -> list[SocketRow]:
        return [
            parse_row(message.payload)
            for family in (socket.AF_INET, socket.AF_INET6)
            for message in self._questions.dump(
                _BY_FAMILY,
                _REQUEST.pack(family, protocol, extensions, states) + bytes(48),
            )
        ]


def parse_row(payload: bytes) -> SocketRow:
    """A struct inet_diag_msg with its attributes.

    Raises:
        struct.error: it is too short to be one.
    """
    family, state, _, _ = _ROW.unpack_from(payload)
    local_port, remote_port, local, remote = _ENDS.unpack_from(payload, _ID_OFFSET)
    uid, inode = struct.unpack_from("=II", payload, _TAIL_OFFSET + 12)
    info = attributes(payload, _ROW_SIZE).get(_INET_DIAG_INFO, b"")
    return SocketRow(
        state=state,
        local=_address(family, local),
        local_port=local_port,
        remote=_address(family, remote),
        remote_port=remote_port,
        uid=uid,
        inode=inode,
        cookie=struct.unpack_from("=Q", payload, _COOKIE_OFFSET)[0],
        received=next(_received(info), -1),
        measured=info[_RTT : _RTT + 4].strip(b"\0") != b"",
    )


def _received(info: bytes) -> Iterator[int]:
    if len(info) >= _BYTES_RECEIVED + 8:
        yield struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0]


def _address(family: int, packed: bytes) -> bytes:
    if family == socket.AF_INET:
        return packed[:4]
    return packed[12:] if packed.startswith(_MAPPED) else packed


_MAPPED = bytes(10) + b"\xff\xff"


def _socket_id(local: tuple[bytes, int], remote: tuple[bytes, int]) -> bytes:
    ends = _ENDS.pack(local[1], remote[1], local[0].ljust(16, b"\0"), remote[0].ljust(16, b"\0"))
    return ends + bytes(4) + _NO_COOKIE
