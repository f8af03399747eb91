"""The station's page, for a browser on the same machine.

Only loopback is listened on, and only requests that name it are answered: a page of another
origin, whatever its name resolves to, reads and starts nothing here.
"""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

import msgspec

from agent.station.copier import Wish
from agent.station.feed import Feed

ADDRESS = "127.0.0.1"
_ALIVE_EVERY = 15.0
"""Seconds after which a page is written to though nothing happened: one that is gone is noticed."""
_LONGEST_WISH = 4096
_SILENCE = 30.0
"""Seconds that a request may take to arrive."""
_FILES: Mapping[str, tuple[str, str]] = {
    "/": ("station.html", "text/html; charset=utf-8"),
    "/station.css": ("station.css", "text/css; charset=utf-8"),
    "/station.js": ("station.js", "text/javascript; charset=utf-8"),
    "/words.json": ("words.json", "application/json"),
}
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def make_server(feed: Feed, copy: Callable[[Wish], bool], port: int) -> ThreadingHTTPServer:
    """Listens already; port 0 is any.  Raises OSError."""
    server = ThreadingHTTPServer((ADDRESS, port), partial(_Handler, feed, copy))
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "station"
    sys_version = ""
    timeout = _SILENCE

    def __init__(self, feed: Feed, copy: Callable[[Wish], bool], *given: object) -> None:
        self._feed = feed
        self._copy = copy
        super().__init__(*given)  # type: ignore[arg-type] # what socketserver gives every handler

    def do_GET(self) -> None:
        if not self._is_for_us():
            self._answer(HTTPStatus.FORBIDDEN)
        elif self.path == "/live":
            self._live()
        elif self.path in _FILES:
            name, kind = _FILES[self.path]
            self._answer(HTTPStatus.OK, files("agent.station").joinpath(name).read_bytes(), kind)
        else:
            self._answer(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        wish = self._wish()
        if not self._is_for_us() or self.headers.get("Origin") != f"http://{self._own_name()}":
            self._answer(HTTPStatus.FORBIDDEN)
        elif self.path != "/copy" or wish is None:
            self._answer(HTTPStatus.BAD_REQUEST)
        else:
            self._answer(HTTPStatus.ACCEPTED if self._copy(wish) else HTTPStatus.CONFLICT)

    def log_message(self, *_said: object) -> None:
        """Nothing: what patients bring is nobody's business."""

    def _live(self) -> None:
        """Server-sent events (HTML standard, 9.2): the whole page at each change."""
        self.send_response(HTTPStatus.OK)
        self._send_headers("text/event-stream")
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        seen = -1
        with contextlib.suppress(OSError):  # the page was closed
            while True:
                number, page = self._feed.newer(seen, _ALIVE_EVERY)
                text = b": alive\n\n"
                if number != seen:
                    text = b"data: " + msgspec.json.encode(page) + b"\n\n"
                self.wfile.write(text)
                self.wfile.flush()
                seen = number

    def _wish(self) -> Wish | None:
        """None for what cannot be understood; the body is read in any case."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LONGEST_WISH:
            self.close_connection = True
            return None
        body = self.rfile.read(int(length))
        try:
            return msgspec.json.decode(body, type=Wish)
        except msgspec.DecodeError:
            return None

    def _own_name(self) -> str:
        return f"{ADDRESS}:{self.server.server_address[1]}"  # type: ignore[index] # of AF_INET

    def _is_for_us(self) -> bool:
        return self.headers.get("Host") == self._own_name()

    def _answer(self, status: HTTPStatus, body: bytes = b"", kind: str = "text/plain") -> None:
        self.send_response(status)
        self._send_headers(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_headers(self, kind: str) -> None:
        self.send_header("Content-Type", kind)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
