"""The web server: uvicorn in the main thread, TLS by our own authority."""

import asyncio
import logging
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from socket import socket

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from collector.app import Collector, now
from collector.keys import Keys
from collector.supervision import ServiceManager

log = logging.getLogger(__name__)

RENEWAL_LOOKS_EVERY_S = 3_600.0
GRACE_S = 2
"""How long requests that are being answered may take after SIGTERM."""
FAREWELL_S = 0.3
"""How long a client may take to agree that an idle connection ends (TLS close_notify)."""
KEEP_ALIVE_S = 75
PATIENCE_S = 90.0
"""How long a client may take to finish what it is saying, a request of 4 MB included: more
than an idle connection lives, so that whoever holds one open longer is not idle but slow.
"""
SLOW_LOOKS_EVERY_S = 5.0
BACKLOG = 2_048


class CannotListen(Exception):
    """The address is taken or not ours; the message says which."""


def serve(collector: Collector, environment: Mapping[str, str]) -> None:
    """Until SIGTERM or SIGINT; returns after everything is closed.

    Raises:
        CannotListen.
    """
    listen = collector.settings.listen
    config = uvicorn.Config(
        collector.application(),
        host=listen.host,
        port=listen.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        ssl_certfile=collector.keys.server_certificate,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    config.load()
    assert config.ssl is not None
    context = config.ssl
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    collector.supervisor.add("certificate", lambda stop: renew(collector.keys, context, stop, now))
    server = _NotifyingServer(config, ServiceManager(environment), collector)
    # uvicorn gives a signal on to whoever had it before, when it is done: to nobody here,
    # so that what follows still happens.
    for ended_by in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ended_by, lambda *_: None)
    try:
        server.run()
    except SystemExit as failed:  # uvicorn's way to say that it could not bind
        raise CannotListen(f"{listen.host} port {listen.port} cannot be listened on") from failed
    finally:
        collector.close()


def renew(
    keys: Keys, context: ssl.SSLContext, stop: threading.Event, now: Callable[[], datetime]
) -> None:
    """New connections get the new certificate; open ones go on."""
    while not stop.is_set():
        if keys.renew_if_due(now=now()):
            context.load_cert_chain(keys.server_certificate)
            log.info("server certificate renewed")
        stop.wait(RENEWAL_LOOKS_EVERY_S)


class _NotifyingServer(uvicorn.Server):
    """Tells systemd when it serves, that it lives, and when it stops."""

    def __init__(
        self, config: uvicorn.Config, manager: ServiceManager, collector: Collector
    ) -> None:
        super().__init__(config)
        self._manager = manager
        self._collector = collector
        self._pulse: asyncio.Task[None] | None = None
        self._looks: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        port = self._port()
        log.info("serving", extra={"url": self._collector.base_url(), "port": port})
        self._manager.say("READY=1")
        self._looks = asyncio.create_task(self._hang_up_on_the_slow())
        if self._manager.watchdog_s is not None:
            self._pulse = asyncio.create_task(self._keep_alive(self._manager.watchdog_s))

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._manager.say("STOPPING=1")
        for task in (self._pulse, self._looks):
            if task is not None:
                task.cancel()
        self._collector.end_streams()
        hanging_up = asyncio.create_task(self._hang_up())
        await super().shutdown(sockets)
        hanging_up.cancel()

    async def _hang_up(self) -> None:
        """The server asks idle clients to end and would wait for those that do not answer."""
        while True:
            await asyncio.sleep(FAREWELL_S)
            for connection in list(self.server_state.connections):
                if isinstance(connection, HttpToolsProtocol) and _is_idle(connection.cycle):
                    connection.transport.abort()

    async def _hang_up_on_the_slow(self) -> None:
        """A request that comes byte by byte must not hold its connection for ever."""
        watch = SlowWatch(patience_s=PATIENCE_S)
        while True:
            await asyncio.sleep(SLOW_LOOKS_EVERY_S)
            for connection in watch.too_slow(self.server_state.connections, time.monotonic()):
                connection.transport.abort()

    async def _keep_alive(self, every_s: float) -> None:
        """Silence of the event loop or of the journal's writer lets systemd restart us."""
        while self._collector.journal.writer.is_alive:
            self._manager.say("WATCHDOG=1")
            await asyncio.sleep(every_s)

    def _port(self) -> int:
        for server in self.servers:
            for listening in server.sockets:
                return int(listening.getsockname()[1])
        return self.config.port


class SlowWatch:
    """Which connections wait for their client for longer than it may take."""

    def __init__(self, *, patience_s: float) -> None:
        self._patience_s = patience_s
        self._waiting: dict[object, tuple[object, float]] = {}

    def too_slow(self, connections: Iterable[object], now_s: float) -> list[HttpToolsProtocol]:
        """Those that were already waiting in the same exchange that long ago."""
        before, self._waiting = self._waiting, {}
        slow = []
        for connection in connections:
            if not isinstance(connection, HttpToolsProtocol) or not _waits(connection.cycle):
                continue
            exchange, since_s = before.get(connection, (None, now_s))
            if exchange is not connection.cycle:
                since_s = now_s
            self._waiting[connection] = (connection.cycle, since_s)
            if now_s - since_s > self._patience_s:
                slow.append(connection)
        return slow


def _waits(cycle: RequestResponseCycle | None) -> bool:
    """For the client: the rest of a request's head, or of its body."""
    return _is_idle(cycle) or (cycle is not None and cycle.more_body)


def _is_idle(cycle: RequestResponseCycle | None) -> bool:
    """Between two requests, or before the first: uvicorn has no exchange for it then."""
    return cycle is None or cycle.response_complete
