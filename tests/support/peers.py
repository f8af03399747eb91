"""Real servers at the other end: TCP and UDP echo, and an SMTP mailbox."""

import email
import email.policy
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.live import Place, free_port

TCP_PORT, UDP_PORT = 80, 53
KEPT_OPEN = 200


@contextmanager
def echo_servers(*places: Place) -> Iterator[None]:
    """In each place: TCP port 80 accepts and closes, UDP port 53 answers; IPv4 and IPv6."""
    with ExitStack() as opened:
        for place in places:
            tcp = place.call(_listening, socket.SOCK_STREAM, TCP_PORT)
            udp = place.call(_listening, socket.SOCK_DGRAM, UDP_PORT)
            threads = [
                threading.Thread(target=_accept, args=(tcp,)),
                threading.Thread(target=_answer, args=(udp,)),
            ]
            for thread in threads:
                thread.start()
                opened.callback(thread.join)
            opened.callback(_close, tcp, udp)
        yield


def _listening(kind: socket.SocketKind, port: int) -> socket.socket:
    server = socket.socket(socket.AF_INET6, kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    if kind is socket.SOCK_STREAM:
        server.listen(4096)
    return server


def _accept(server: socket.socket) -> None:
    kept: deque[socket.socket] = deque()
    try:
        while True:
            peer, _ = server.accept()
            kept.append(peer)  # the client closes first; ours go when many have gathered
            if len(kept) > KEPT_OPEN:
                kept.popleft().close()
    except OSError:
        return
    finally:
        for peer in kept:
            peer.close()


def _answer(server: socket.socket) -> None:
    while True:
        try:
            question, peer = server.recvfrom(2048)
            if peer is None:  # what a shutdown wakes it with
                return
            server.sendto(question, peer)
        except OSError:
            return


def _close(*servers: socket.socket) -> None:
    for server in servers:
        with suppress(OSError):  # datagram sockets have nothing to shut down
            server.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        server.close()


@contextmanager
def greeter() -> Iterator[int]:
    """The port of a TCP server on loopback that greets whoever connects, and closes."""
    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_greet, args=(server,))
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        _close(server)
        thread.join()


def _greet(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"here\n")


class Mailbox:
    """What an SMTP server on loopback took."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._envelopes: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self._envelopes.append(envelope)
        return "250 kept"

    def received(self) -> list[EmailMessage]:
        return [
            email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
            for envelope in self._envelopes
        ]

    @property
    def settings(self) -> str:
        """The part of collector.toml that mails here."""
        return (
            f'[smtp]\nhost = "127.0.0.1"\nport = {self.port}\nsecurity = "plain"\n'
            'sender = "wardwatch@hospital.example"\n'
        )


@contextmanager
def mailbox(place: Place) -> Iterator[Mailbox]:
    """A real SMTP server in this place."""
    box = Mailbox(place.call(free_port))
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    place.call(controller.start)
    try:
        yield box
    finally:
        controller.stop()
