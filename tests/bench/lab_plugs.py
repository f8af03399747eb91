"""From the guest kernel's event to the case in the collector's API, for what is plugged into
the virtual machine of the lab: a telephone that tethers, a second card, a modem.

A listener in the guest hears the kernel's own uevents and rtnetlink beside the agent, as a
real-time process, and stamps each with the guest's monotonic clock. That clock is related to
this host's before every plug, by the shortest of ten questions over the same connection. A
telephone and a modem count from the kernel's `add` of the USB device (no interface, no address
is there yet); the second card from the moment the kernel gives it its first address, which is
what makes it a second way out. The API is polled every 10 ms.
"""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, latency
from tests.lab.machine import HOST_SEEN_FROM_GUEST, INTRANET, PROGRAM, Guest, enrolled_guest, health
from tests.support.live import Collector, until

PLUGS, PLUGS_SMALL = 50, 5
QUESTIONS = 10
POLL_S = 0.01
SETTLE_S = 0.7
PATIENCE_S = 40.0
LOAD = "emulated machine, one plug at a time"
SERVICE = "wardwatch-plugs"
LISTENER = """
import os, select, socket, struct, sys, time
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
out = socket.create_connection((sys.argv[1], int(sys.argv[2])))
out.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
uevents = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)
uevents.bind((0, 1))
addresses = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
addresses.bind((0, 0x10))
while True:
    ready, _, _ = select.select([uevents, addresses, out], [], [])
    at = time.monotonic()
    if uevents in ready:
        fields = uevents.recv(65536).decode("utf-8", "replace").split("\\0")
        pairs = dict(pair.split("=", 1) for pair in fields[1:] if "=" in pair)
        said = (pairs.get(key, "-") for key in ("ACTION", "SUBSYSTEM", "DEVTYPE"))
        out.sendall(f"{at} {' '.join(said)}\\n".encode())
    if addresses in ready:
        kind = struct.unpack_from("=IH", addresses.recv(65536))[1]
        out.sendall(f"{at} {'add' if kind == 20 else 'remove'} address -\\n".encode())
    if out in ready:
        if not out.recv(1):
            break
        out.sendall(f"{at} clock - -\\n".encode())
"""


@dataclass
class Listener:
    """What the guest's kernel said: (guest's monotonic seconds, words)."""

    connection: socket.socket
    heard: list[tuple[float, str]] = field(default_factory=list)

    def read(self) -> None:
        for line in self.connection.makefile("r", encoding="utf-8"):
            at, _, words = line.strip().partition(" ")
            self.heard.append((float(at), words))

    def ahead(self) -> float:
        """Seconds to add to this host's monotonic clock to get the guest's."""
        best = (float("inf"), 0.0)
        for _ in range(QUESTIONS):
            asked, before = time.monotonic(), len(self.heard)
            self.connection.sendall(b"?")
            at = until(lambda before=before: self._at("clock - -", before), every=0.0005)
            answered = time.monotonic()
            best = min(best, (answered - asked, at - (asked + answered) / 2))
        return best[1]

    def first(self, words: str, since: int) -> float:
        """The guest's time of this event after that many were heard."""
        return until(
            lambda: self._at(words, since),
            seconds=PATIENCE_S,
            told=f"{words}; heard {self.heard[since:]}",
        )

    def _at(self, words: str, since: int) -> float:
        return next((at for at, said in self.heard[since:] if said == words), 0.0)


def measure(*, small: bool) -> list[Figure]:
    if not os.environ.get("WARDWATCH_LAB"):
        print("  not measured: no lab (WARDWATCH_LAB names its labctl)", flush=True)
        return []
    plugs = PLUGS_SMALL if small else PLUGS
    with (
        tempfile.TemporaryDirectory() as folder,
        workstation(Path(folder)) as (guest, collector),
        listening(guest) as listener,
    ):
        plugging = Plugging(guest, collector, listener)
        return [
            *latency("lab.tether", plugging.devices("phone", plugs), LOAD),
            *latency("lab.modem", plugging.devices("modem", plugs), LOAD),
            *latency("lab.card", plugging.cards(plugs), LOAD),
        ]


@contextmanager
def workstation(folder: Path) -> Iterator[tuple[Guest, Collector]]:
    """The guest with a running agent, and its collector on this host."""
    collector = Collector(
        folder / "collector", policy=INTRANET, other_names=[HOST_SEEN_FROM_GUEST]
    ).start()
    try:
        with enrolled_guest(collector, folder) as guest:
            guest.ssh(f"systemd-run --unit={SERVICE} -p Restart=always {PROGRAM} run")
            until(lambda: health(collector), seconds=PATIENCE_S, told="the agent was heard")
            yield guest, collector
    finally:
        collector.end()


@contextmanager
def listening(guest: Guest) -> Iterator[Listener]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(PATIENCE_S)
        port = server.getsockname()[1]
        guest.push_text(LISTENER, "/run/listener.py")
        guest.ssh(
            "systemd-run --unit=wardwatch-listener python3 /run/listener.py"
            f" {HOST_SEEN_FROM_GUEST} {port}"
        )
        connection, _ = server.accept()
    with closing(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener = Listener(connection)
        threading.Thread(target=listener.read, daemon=True).start()
        yield listener


@dataclass(frozen=True)
class Plugging:
    guest: Guest
    collector: Collector
    listener: Listener

    def devices(self, kind: str, plugs: int) -> list[float]:
        """USB devices, each with a serial number and so a case of its own."""
        return [
            self._once(
                "add usb usb_device",
                "remove usb usb_device",
                lambda number=number: self._named(f"{kind}{number}"),
                (kind, f"{kind}{number}", "--serial", f"{kind}{number}"),
            )
            for number in range(plugs)
        ]

    def cards(self, plugs: int) -> list[float]:
        """The same card again and again: its case counts."""
        seconds = []
        for number in range(plugs):
            counted = self._counted()
            seconds.append(
                self._once(
                    "add address -",
                    "remove net -",
                    lambda counted=counted: self._counted() > counted,
                    ("nic2", f"card{number}"),
                )
            )
        return seconds

    def _once(
        self, event: str, left: str, judged: Callable[[], bool], plug: tuple[str, ...]
    ) -> float:
        """Seconds from the event to the case; the device is out again afterwards."""
        ahead, heard = self.listener.ahead(), len(self.listener.heard)
        kind, name, *options = plug
        known: list[float] = []
        waiting = threading.Thread(target=lambda: known.append(_moment(judged)), daemon=True)
        waiting.start()
        self.guest.plug(kind, name, *options)
        happened = self.listener.first(event, heard) - ahead
        waiting.join(PATIENCE_S)
        unplugged = len(self.listener.heard)
        self.guest.ctl("unplug", name)
        self.listener.first(left, unplugged)
        threading.Event().wait(SETTLE_S)
        return known[0] - happened

    def _named(self, serial: str) -> bool:
        return any(case["subject"].endswith(serial) for case in self._newest("EXT-04"))

    def _counted(self) -> int:
        return sum(int(case["count"]) for case in self._newest("EXT-03"))

    def _newest(self, rule: str) -> list[dict[str, Any]]:
        answer = self.collector.get("/api/v1/cases", rule=rule, limit=5)
        return list(answer.json()["cases"])


def _moment(judged: Callable[[], bool]) -> float:
    """time.monotonic() when it became true."""
    until(judged, seconds=PATIENCE_S, every=POLL_S)
    return time.monotonic()
