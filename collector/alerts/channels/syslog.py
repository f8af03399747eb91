"""Handing a notice to a syslog receiver: UDP (RFC 5426), TCP (RFC 6587), TLS (RFC 5425).

Syslog knows no answer.  By UDP a notice counts as delivered when it was sent.  By TCP and TLS it
does when the receiver has ended the connection after us, which it does when it has read all, or
when at least its machine has acknowledged every octet: without either it is sent again.
"""

import fcntl
import socket
import ssl
import struct
import termios

from collector.alerts.channels.forms import OCTETS, UDP_OCTETS, Origin, rfc5424
from collector.alerts.channels.notice import Notice
from collector.alerts.channels.settings import ChannelSettings
from collector.alerts.smtp import Receipt
from collector.version import own_version

READ_OCTETS = 4096


class SyslogAdapter:
    """Fits `Adapter`; one connection a notice."""

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings

    def deliver(self, notice: Notice) -> Receipt:
        """Never raises for what a receiver, a network or a missing file does."""
        settings = self._settings
        octets = UDP_OCTETS if settings.transport == "udp" else OCTETS
        message = rfc5424(notice, self._origin(), form=settings.form, octets=octets)
        try:
            if settings.transport == "udp":
                self._send_datagram(message)
            else:
                self._send_stream(_counted(message))
        except (OSError, ValueError) as down:
            why = f"{type(down).__name__}: {down} ({settings.address})"
            return Receipt(later={settings.label: why})
        return Receipt(delivered=(settings.label,))

    def _origin(self) -> Origin:
        return Origin(
            host=socket.gethostname(), version=own_version(), facility=self._settings.facility
        )

    def _send_datagram(self, message: bytes) -> None:
        host, port = self._settings.host_and_port
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as datagrams:
            datagrams.settimeout(self._settings.timeout_s)
            datagrams.sendto(message, place)

    def _send_stream(self, framed: bytes) -> None:
        settings = self._settings
        host, port = settings.host_and_port
        with socket.create_connection((host, port), timeout=settings.timeout_s) as plain:
            if settings.transport == "tcp":
                plain.sendall(framed)
                plain.shutdown(socket.SHUT_WR)
                _await_end(plain)
                return
            with self._trust().wrap_socket(plain, server_hostname=host) as secured:
                secured.sendall(framed)
                _await_farewell(secured)

    def _trust(self) -> ssl.SSLContext:
        settings = self._settings
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        if settings.certificate_file:
            context.load_cert_chain(settings.certificate_file, settings.private_key_file)
        return context


def _counted(message: bytes) -> bytes:
    """RFC 6587, 3.4.1: octet counting."""
    return f"{len(message)} ".encode("ascii") + message


def _await_end(connection: socket.socket) -> None:
    """Raises OSError when nothing says that the octets have arrived."""
    try:
        while connection.recv(READ_OCTETS):
            pass
    except TimeoutError:
        if _unacknowledged(connection):
            raise


def _await_farewell(secured: ssl.SSLSocket) -> None:
    """As `_await_end`; a receiver that does not trust us says so only now (TLS 1.3)."""
    try:
        secured.unwrap().close()
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return  # ended without a farewell, as many do
    except TimeoutError:
        if _unacknowledged(secured):
            raise


def _unacknowledged(connection: socket.socket) -> int:
    """Octets that the receiver's machine has not acknowledged: tcp(7), SIOCOUTQ."""
    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])
