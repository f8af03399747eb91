"""Workers in threads, restarted when they end, and words to the service manager."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence

from collector.metrics import Metrics

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STOP_PATIENCE_S = 10.0

Work = Callable[[threading.Event], None]


class Worker:
    """Runs `work(stop)` in a thread.  Work that ends before it is told to is an error
    for a person to look at; it is begun again, with growing pauses.
    """

    def __init__(self, name: str, work: Work, *, stop: threading.Event, metrics: Metrics) -> None:
        self.name = name
        self._work = work
        self._stop = stop
        self._up = metrics.workers.labels(name)
        self._restarts = metrics.restarts.labels(name)
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_running(self) -> bool:
        return self._running.is_set() and self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Also of work that was never begun, because something before it failed."""
        if self._thread.ident is not None:
            self._thread.join(STOP_PATIENCE_S)

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stop.is_set():
            self._say(up=True)
            try:
                self._work(self._stop)
            except Exception:
                log.exception("worker ended", extra={"worker": self.name, "again_in_s": pause})
            self._say(up=False)
            if not self._stop.is_set():
                self._restarts.inc()
                self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _say(self, *, up: bool) -> None:
        self._up.set(int(up))
        if up:
            self._running.set()
        else:
            self._running.clear()


class Supervisor:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._stop = threading.Event()
        self._workers: list[Worker] = []

    def add(self, name: str, work: Work) -> None:
        self._workers.append(Worker(name, work, stop=self._stop, metrics=self._metrics))

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        self._stop.set()
        for worker in self._workers:
            worker.join()

    def down(self) -> Sequence[str]:
        """Names of the workers that do not run now."""
        return [worker.name for worker in self._workers if not worker.is_running]


class ServiceManager:
    """sd_notify(3): silent where no service manager listens."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of an abstract socket: unix(7).
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = _watchdog_s(environment)

    def say(self, state: str) -> None:
        if self._address:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as teller:
                teller.sendto(state.encode(), self._address)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Half of what the manager waits, as sd_watchdog_enabled(3) advises."""
    limit_us, meant_for = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not limit_us.isdecimal() or meant_for not in ("", str(os.getpid())):
        return None
    return int(limit_us) / 2_000_000
