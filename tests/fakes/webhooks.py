"""A real HTTPS server on loopback that keeps what is posted and can be told how to answer."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from tests.fakes.mailserver import server_context


class Posted(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Robot:
    """`answer` decides what a post gets: status and body."""

    def __init__(self, answer: Callable[[Posted], tuple[int, bytes]]) -> None:
        self.answer = answer
        self.posted: list[Posted] = []


@contextmanager
def answering(robot: Robot, server_pem: Path) -> Iterator[str]:
    """The server's https:// address while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got = Posted(self.path, dict(self.headers), body)
            robot.posted.append(got)
            status, answer = robot.answer(got)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server names it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context: ssl.SSLContext = server_context(server_pem, server_pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
