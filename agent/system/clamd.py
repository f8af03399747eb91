"""A client for clamd(8): FILDES through its own socket, INSTREAM over the network.

Commands are sent NUL-terminated (`z` prefix) inside an IDSESSION, where clamd numbers
its answers and scans what is in flight in parallel: the protocol of clamdscan(1).
"""

import contextlib
import itertools
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from agent.media.engine import (
    EngineSession,
    EngineUnavailable,
    EngineVersion,
    FileVerdict,
    parse_verdict,
    parse_version,
)
from agent.system.clamd_files import (
    DEFAULT_LARGEST_FILE,
    database_files,
    database_folder,
    first_readable,
    largest_file,
    missing_alerts,
    newest_change,
)
from agent.system.clamd_stream import StreamSession

USUAL_SOCKETS = (
    "/run/clamav/clamd.ctl",  # Debian, Ubuntu, UOS, Kylin
    "/run/clamd.scan/clamd.sock",  # Fedora, openEuler, Anolis
    "/run/clamav/clamd.sock",  # Arch, Alpine
    "/var/run/clamav/clamd.ctl",
)
USUAL_CONFIGURATIONS = ("/etc/clamav/clamd.conf", "/etc/clamd.d/scan.conf", "/etc/clamd.conf")
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 180.0
"""One file: MaxScanTime is 120 s by default, and it may wait for its turn before."""
_PORT = 3310


class ScannerSettings(msgspec.Struct, frozen=True):
    """`unix:/run/clamav/clamd.ctl`, `tcp:host:3310`, or empty: the usual sockets.  `second` is the
    URL of an ICAP service that is asked as well, empty for none.  `largest` octets of a file does
    a clamd in the network read, which cannot be asked for it.
    """

    address: str = ""
    second: str = ""
    largest: int = DEFAULT_LARGEST_FILE


class Clamd:
    """Fits Engine."""

    def __init__(self, settings: ScannerSettings, sockets: tuple[str, ...] = USUAL_SOCKETS) -> None:
        self._address = settings.address
        self._largest = settings.largest
        self._sockets = sockets
        self._pid = 0

    def ping(self) -> None:
        """Raises EngineUnavailable unless clamd answers."""
        if self._ask(b"PING") != "PONG":
            raise EngineUnavailable("what answers there is no clamd")

    def version(self) -> EngineVersion:
        """Where clamd tells no date (no daily.cvd, only lists of the hospital's own), the
        date is that of its newest signature file, as far as clamd runs on this machine
        and its configuration names the folder; `newest_change` says what that proves.
        """
        told = parse_version(self._ask(b"VERSION"))
        if told.signatures_at_us or self._is_remote():
            return told
        changed_us = newest_change(database_files(database_folder(self._configuration())))
        return msgspec.structs.replace(told, signatures_at_us=changed_us)

    def session(self) -> EngineSession:
        if self._is_remote():
            return StreamSession(self._connect(_ANSWER_SECONDS))
        return ClamdSession(self._connect(_ANSWER_SECONDS))

    def largest_file(self) -> int:
        """From clamd's configuration where it is on this machine, else as it was set."""
        if self._is_remote():
            return self._largest
        return largest_file(self._configuration())

    def missing_alerts(self) -> tuple[str, ...] | None:
        """What its configuration lacks (`clamd_files.missing_alerts`); None where nobody can tell:
        it is on another machine, or its configuration may not be read.

        Raises:
            EngineUnavailable: no clamd answers.
        """
        self.ping()
        configuration = "" if self._is_remote() else self._configuration()
        return missing_alerts(configuration) if configuration else None

    def pid(self) -> int:
        return self._pid

    def _ask(self, command: bytes) -> str:
        with self._connect(_CONNECT_SECONDS) as connection:
            try:
                connection.sendall(b"z" + command + b"\0")
                reply = b""
                while not reply.endswith(b"\0") and (part := connection.recv(4096)):
                    reply += part
            except OSError as silent:
                raise EngineUnavailable(f"clamd does not answer: {silent}") from silent
        return reply.rstrip(b"\0").decode("utf-8", "replace")

    def _connect(self, patience: float) -> socket.socket:
        try:
            connection = self._reach()
        except (OSError, ValueError) as refused:  # a port above 65535 is a ValueError
            raise EngineUnavailable(f"clamd cannot be reached: {refused}") from refused
        connection.settimeout(patience)
        if connection.family == socket.AF_UNIX:
            self._pid = _peer(connection)
        return connection

    def _reach(self) -> socket.socket:
        scheme, _, where = self._address.partition(":")
        if scheme == "tcp":
            place = urlsplit(f"tcp://{where.removeprefix('//')}")
            return socket.create_connection((place.hostname, place.port or _PORT), _CONNECT_SECONDS)
        if scheme == "unix":
            return _unix(where)
        for path in self._sockets:
            if Path(path).exists():
                return _unix(path)
        raise FileNotFoundError(f"no socket of clamd at {', '.join(self._sockets)}")

    def _is_remote(self) -> bool:
        return self._address.startswith("tcp:")

    def _configuration(self) -> str:
        """Of the clamd that answers, as far as its command line names one."""
        return first_readable((*_named_configuration(self._pid), *USUAL_CONFIGURATIONS))


class ClamdSession:
    """Fits EngineSession; with a clamd on this machine, which is handed descriptors (FILDES)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._tickets = 0
        self._unread = b""
        self._guarded(lambda: connection.sendall(b"zIDSESSION\0"))

    def submit(self, descriptor: int) -> int:
        self._tickets += 1
        self._guarded(lambda: self._pass(descriptor))
        return self._tickets

    def verdict(self) -> tuple[int, FileVerdict]:
        while b"\0" not in self._unread:
            self._guarded(self._receive)
        reply, _, self._unread = self._unread.partition(b"\0")
        ticket, separator, said = reply.decode("utf-8", "replace").partition(": ")
        if not separator or not ticket.isdigit():
            raise EngineUnavailable(f"clamd ended the session: {ticket[:80]}")
        return int(ticket), parse_verdict(said)

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):  # the other end was faster
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.interrupt()
        self._connection.close()

    def _pass(self, descriptor: int) -> None:
        """The descriptor goes with one byte of its own after the command, in one message:
        clamd wakes up half as often.
        """
        socket.send_fds(self._connection, [b"zFILDES\0\0"], [descriptor])

    def _receive(self) -> None:
        part = self._connection.recv(1 << 14)
        if not part:
            raise EngineUnavailable("clamd closed the connection")
        self._unread += part

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as broken:
            raise EngineUnavailable(f"clamd broke off: {broken}") from broken


def _unix(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_CONNECT_SECONDS)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection


def _peer(connection: socket.socket) -> int:
    """Who listens: unix(7).  Under systemd's socket activation that is process 1, which
    must not be left out of what is watched.
    """
    credentials = struct.Struct("3i")
    got = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)
    pid: int = credentials.unpack(got)[0]
    return pid if pid > 1 else 0


def _named_configuration(pid: int) -> tuple[str, ...]:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0")
    except OSError:
        return ()
    for word, following in itertools.pairwise(words):
        if word in ("-c", "--config-file"):
            return (following,)
    return tuple(w.partition("=")[2] for w in words if w.startswith("--config-file="))
