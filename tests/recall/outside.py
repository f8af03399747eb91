"""Hosts outside that answer whatever reaches them, each protocol in its own way."""

import selectors
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.recall.acts import SLOW_PORT, SLOW_S, family
from tests.support.live import Place

TCP_PORTS = (22, 80, 443, 853, 3128, 8443)
UDP_PORTS = (123, 443, 853, 4500, 9999)
RAW_PROTOCOLS = (4, 41, 47, 50, 51, 89, 112, 132, 253)
"""IPIP, 6in4, GRE, ESP, AH, OSPF, VRRP, SCTP, and one for experiments (RFC 3692)."""
KEEPING_PORT = 8000
"""Connections to it stay open until the other side ends them."""
SLOWEST_PORT, SLOWEST_S = 9996, 8.0
LONG_PORT, LONG_ANSWER = 9997, 8000
"""Octets of an answer that never fits a packet."""
IPPROTO_UDPLITE = 136  # linux/in.h
DNS_PORT = 53
_QUESTION = b"\x01\x00"
"""Flags of a question that wishes recursion (RFC 1035 4.1.1); an answer has bit 15, too."""


@contextmanager
def outside_hosts(place: Place, addresses: Sequence[str]) -> Iterator[None]:
    """TCP accepts and closes, UDP and raw protocols come back, one UDP port only later.

    Each address has its own sockets, so that what answers is what was asked.
    """
    stop, stopped = socket.socketpair()
    with selectors.DefaultSelector() as selector:
        for port in TCP_PORTS:
            _register(selector, place.call(_tcp, port), _accept)
        kept: list[socket.socket] = []
        _register(selector, place.call(_tcp, KEEPING_PORT), lambda s: kept.append(s.accept()[0]))
        for address in addresses:
            for port in UDP_PORTS:
                _register(selector, place.call(_udp, address, port), _echo)
            for protocol in RAW_PROTOCOLS if "." in address else ():
                _register(selector, place.call(_raw, address, protocol), _echo)
            _register(selector, place.call(_udp, address, SLOW_PORT), _echo_after(SLOW_S))
            _register(selector, place.call(_udp, address, SLOWEST_PORT), _echo_after(SLOWEST_S))
            _register(selector, place.call(_udp, address, LONG_PORT), _answer_at_length)
            _register(selector, place.call(_udp, address, UDP_PORTS[-1], IPPROTO_UDPLITE), _echo)
            _register(selector, place.call(_udp, address, DNS_PORT), _answer_names)
        selector.register(stop, selectors.EVENT_READ, None)
        thread = threading.Thread(target=_serve, args=(selector,))
        thread.start()
        try:
            yield
        finally:
            stopped.close()
            thread.join()
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]  # all are sockets
            for connection in kept:
                connection.close()


def _register(
    selector: selectors.BaseSelector, heard: socket.socket, act: Callable[[socket.socket], None]
) -> None:
    heard.setblocking(False)
    selector.register(heard, selectors.EVENT_READ, act)


def _serve(selector: selectors.BaseSelector) -> None:
    while True:
        for key, _ in selector.select():
            if key.data is None:
                return
            with suppress(OSError):  # the other side may have gone
                key.data(key.fileobj)


def _accept(server: socket.socket) -> None:
    server.accept()[0].close()


def _echo(server: socket.socket) -> None:
    octets, sender = server.recvfrom(65_000)
    if server.type == socket.SOCK_RAW:
        octets, sender = octets[(octets[0] & 15) * 4 :], (sender[0], 0)
    server.sendto(octets, sender)


def _answer_names(server: socket.socket) -> None:
    """A question comes back as an answer without records; anything else as it is."""
    octets, sender = server.recvfrom(65_000)
    if octets[2:4] == _QUESTION:
        octets = octets[:2] + b"\x81\x80" + octets[4:]
    server.sendto(octets, sender)


def _echo_after(seconds: float) -> Callable[[socket.socket], None]:
    def echo(server: socket.socket) -> None:
        octets, sender = server.recvfrom(65_000)
        threading.Timer(seconds, server.sendto, (octets, sender)).start()

    return echo


def _answer_at_length(server: socket.socket) -> None:
    _, sender = server.recvfrom(65_000)
    server.sendto(b"l" * LONG_ANSWER, sender)


def _tcp(port: int) -> socket.socket:
    return socket.create_server(
        ("::", port), family=socket.AF_INET6, backlog=4096, dualstack_ipv6=True
    )


def _udp(address: str, port: int, protocol: int = socket.IPPROTO_UDP) -> socket.socket:
    server = socket.socket(family(address), socket.SOCK_DGRAM, protocol)
    server.bind((address, port))
    return server


def _raw(address: str, protocol: int) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    server.bind((address, 0))
    return server
