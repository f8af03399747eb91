"""Beside ours in the same run: psutil polled every second, `conntrack -E`, `ss -E`.

200 outside connections that live 20 ms, 20 a second, closed by the client, by the server,
reset, and UDP.  Recall, latency from the first packet, and CPU of each.
"""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from tests import netns
from tests.bench.figures import Figure, percentile
from tests.support.live import Place

CONNECTIONS, CONNECTIONS_SMALL = 200, 40
LIVES_S, EVERY_S = 0.02, 0.05
SETTLE_S = 4.0
FIRST_PORT = 20_000
KINDS = {"client_closed": 7001, "server_closed": 7002, "reset": 7003, "udp": 7004}
WATCHERS = ("wardwatch", "psutil_1s", "conntrack", "ss")

POLL = """
import time, psutil
while True:
    begun = time.monotonic()
    for c in psutil.net_connections("inet"):
        if c.raddr:
            print(f"x {c.laddr.port} x", flush=True)
    time.sleep(max(0, 1 - (time.monotonic() - begun)))
"""

_CONNTRACK = re.compile(r"sport=(\d+)")
_SS = re.compile(r"[\d.\]]:(\d+)\s")
_POLLED = re.compile(r"x (\d+) x")
_OURS = re.compile(r'"source_port":(\d+)')


class Watcher:
    """A process whose lines name the ports that it saw; the first time of each counts."""

    def __init__(self, command: list[str], pattern: re.Pattern[str]) -> None:
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._pattern = pattern
        self.seen: dict[int, float] = {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._watched = psutil.Process(self._process.pid)

    def cpu(self) -> float:
        times = self._watched.cpu_times()
        return times.user + times.system

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            now = time.monotonic()
            for port in self._pattern.findall(line)[:1]:
                self.seen.setdefault(int(port), now)


def measure(*, small: bool) -> list[Figure]:
    connections = CONNECTIONS_SMALL if small else CONNECTIONS
    missing = [tool for tool in ("conntrack", "ss", "nft") if not shutil.which(tool)]
    if missing:
        raise RuntimeError(f"not to be had here, peers are not measured: {', '.join(missing)}")
    with netns.hospital() as built, ExitStack() as opened:
        workstation, outside = Place(built.workstation), Place(built.outside)
        opened.callback(workstation.close)
        opened.callback(outside.close)
        opened.enter_context(_servers(outside))
        watchers = opened.enter_context(_watchers(built))
        _pause(SETTLE_S)
        figures = []
        for number, (kind, port) in enumerate(KINDS.items()):
            first = FIRST_PORT + 1000 * number
            cpu = {name: watcher.cpu() for name, watcher in watchers.items()}
            begun = time.monotonic()
            starts = workstation.call(_clients, kind, port, first, connections)
            _pause(SETTLE_S)
            lasted = time.monotonic() - begun
            for name, watcher in watchers.items():
                spent = 100 * (watcher.cpu() - cpu[name]) / lasted
                late = [watcher.seen[p] - at for p, at in starts.items() if p in watcher.seen]
                figures.append((kind, name, len(late) / len(starts), late, spent))
    return _told(figures, connections)


def _told(
    figures: list[tuple[str, str, float, list[float], float]], connections: int
) -> list[Figure]:
    load = f"{connections} connections of 20 ms, 20 a second; all four watch at once"
    ours = {row[0]: row for row in figures if row[1] == "wardwatch"}
    told = []
    for kind, name, recall, late, cpu in figures:
        mine = ours[kind]
        whose = "capture" if name == "wardwatch" else f"peers.{name}"
        peer = "" if name == "wardwatch" else name
        values = [
            ("recall", recall, mine[2], "share"),
            ("cpu_percent", cpu, mine[4], "% of a core"),
        ]
        if late and mine[3]:
            values += [
                (f"latency.p{int(100 * share)}_ms", 1000 * percentile(late, share),
                 1000 * percentile(mine[3], share), "ms")
                for share in (0.5, 0.95)
            ]  # fmt: skip
        told += [
            Figure(
                name=f"{whose}.{figure}.{kind}", value=round(value, 3), unit=unit,
                n=connections, load=load, peer=peer,
                ratio=round(own / value, 3) if peer and value else 0.0,
            )
            for figure, value, own, unit in values
        ]  # fmt: skip
    return told


@contextmanager
def _watchers(built: netns.Hospital) -> Iterator[dict[str, Watcher]]:
    """conntrack tracks only what a rule asks it to: one that accepts everything is made."""
    built.run(built.workstation, "nft", "add table inet bench; add chain inet bench out "
              "{ type filter hook output priority 0; }; add rule inet bench out ct state new accept")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        policy = Path(folder) / "policy.toml"
        policy.write_text(netns.POLICY)
        python = sys.executable
        commands = {
            "wardwatch": ([python, "-m", "tests.sensor_probe", str(policy)], _OURS),
            "psutil_1s": ([python, "-c", POLL], _POLLED),
            "conntrack": (["conntrack", "-E", "-e", "NEW", "-b", "1048576"], _CONNTRACK),
            "ss": (["stdbuf", "-oL", "ss", "-E", "-n", "-t", "-u", "-O"], _SS),
        }
        watchers = {}
        for name, (command, pattern) in commands.items():
            watcher = Watcher(built.inside(built.workstation, *command), pattern)
            opened.callback(watcher.end)
            watchers[name] = watcher
        yield watchers


def _clients(kind: str, port: int, first: int, connections: int) -> dict[int, float]:
    """Local port and the moment before the first packet of each."""
    begun, starts, threads = time.monotonic(), {}, []
    for number in range(connections):
        _pause(max(0.0, begun + number * EVERY_S - time.monotonic()))
        starts[first + number] = time.monotonic()
        thread = threading.Thread(target=_client, args=(kind, port, first + number))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return starts


def _client(kind: str, port: int, local: int) -> None:
    udp = kind == "udp"
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    peer.bind((netns.WORKSTATION, local))
    peer.settimeout(2)
    peer.connect((netns.OUTSIDE, port))
    if udp:
        peer.send(b"question")
        peer.recv(100)
    if kind == "server_closed":
        peer.recv(1)  # nothing: the other side closes after 20 ms
    else:
        _pause(LIVES_S)
    if kind == "reset":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()


@contextmanager
def _servers(outside: Place) -> Iterator[None]:
    opened: list[socket.socket] = []
    threads = []
    for kind, port in KINDS.items():
        udp = kind == "udp"
        server = outside.call(socket.socket, socket.AF_INET,
                              socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)  # fmt: skip
        server.bind((netns.OUTSIDE, port))
        if not udp:
            server.listen(512)
        opened.append(server)
        serve: Callable[[socket.socket, str], None] = _answer if udp else _accept
        threads.append(threading.Thread(target=serve, args=(server, kind)))
        threads[-1].start()
    yield
    for server in opened:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
    for thread in threads:
        thread.join()


def _accept(server: socket.socket, kind: str) -> None:
    """Closes after 20 ms, or when the client has."""
    with suppress(OSError):
        while True:
            peer, _ = server.accept()
            wait = _close_later if kind == "server_closed" else _close_after
            threading.Thread(target=wait, args=(peer,)).start()


def _close_later(peer: socket.socket) -> None:
    _pause(LIVES_S)
    peer.close()


def _close_after(peer: socket.socket) -> None:
    with peer, suppress(OSError):
        peer.recv(1)


def _answer(server: socket.socket, _: str) -> None:
    with suppress(OSError):
        while True:
            question, peer = server.recvfrom(2048)
            if peer is None:  # what a shutdown wakes it with
                return
            server.sendto(question, peer)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
