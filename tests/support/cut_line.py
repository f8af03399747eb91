"""A line to a server on loopback that breaks when a test says so."""

import contextlib
import select
import socket
import threading
from collections.abc import Sequence

_PART = 1 << 14


class CutLine:
    """Each connection breaks after so many octets of the client: one number for each of the first
    connections, `after` says for all others; None for never.
    """

    def __init__(self, port: int, first: Sequence[int | None], after: int | None = None) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.connections = 0
        self._target = port
        self._first = first
        self._after = after
        self._is_down = threading.Event()
        self._accepting = threading.Thread(target=self._accept)
        self._carrying: list[threading.Thread] = []
        self._accepting.start()

    @property
    def address(self) -> str:
        return f"tcp:127.0.0.1:{self.port}"

    def close(self) -> None:
        self._is_down.set()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            pass  # wakes who accepts
        self._accepting.join()
        self._server.close()
        for carrying in self._carrying:
            carrying.join()

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            if self._is_down.is_set():
                client.close()
                return
            number = self.connections
            self.connections += 1
            most = self._first[number] if number < len(self._first) else self._after
            carrying = threading.Thread(target=self._carry, args=(client, most))
            self._carrying.append(carrying)
            carrying.start()

    def _carry(self, client: socket.socket, most: int | None) -> None:
        passed = 0
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            other = {client: server, server: client}
            while not self._is_down.is_set() and (most is None or passed < most):
                for end in select.select([client, server], [], [], 0.2)[0]:
                    part = _received(end)
                    if not part:
                        return
                    passed += len(part) if end is client else 0
                    with contextlib.suppress(OSError):
                        other[end].sendall(part)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(_PART)
    except OSError:
        return b""
