"""What packets cost the sensor: inside the plan, and a flood to the outside without answer.

The sensors run alone in a namespace (`tests.sensor_probe`); a sender of many packets per
system call shares the machine with them, and the rate that it reached stands in the load.
"""

import ctypes
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests import netns
from tests.bench.figures import Figure
from tests.support.live import Place

PACKETS_PER_SECOND = 100_000
FLOOD_PER_SECOND = 10_000
SECONDS, SECONDS_SMALL = 10.0, 3.0
_AT_ONCE = 50
_PAYLOAD = 64


def measure(*, small: bool) -> list[Figure]:
    seconds = SECONDS_SMALL if small else SECONDS
    with netns.hospital() as built:
        workstation, router = Place(built.workstation), Place(built.router)
        with _sensors(built) as watched:
            figures = [
                _cost(watched, place, f"capture.{name}_cpu_percent", load)
                for place, name, load in (
                    (workstation, "internal", Load(netns.SERVER, PACKETS_PER_SECOND, seconds)),
                    (router, "internal_received",
                     Load(netns.WORKSTATION, PACKETS_PER_SECOND, seconds)),
                    (workstation, "outside_flood", Load(netns.SILENT, FLOOD_PER_SECOND, seconds)),
                    (workstation, "outside_port_sweep",
                     Load(netns.SILENT, FLOOD_PER_SECOND, 2 * seconds, new_ports=True)),
                )
            ]  # fmt: skip
        added = _kernel_time(built, workstation, seconds / 2)
        workstation.close()
        router.close()
    return [*figures, added]


@contextmanager
def _sensors(built: netns.Hospital) -> Iterator[psutil.Process]:
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder) / "policy.toml"
        policy.write_text(netns.POLICY)
        with built.start(
            built.workstation, sys.executable, "-m", "tests.sensor_probe", str(policy),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdin is not None
            while "ready" not in process.stdout.readline():
                pass
            reader = threading.Thread(target=process.stdout.read)
            reader.start()
            yield psutil.Process(process.pid)
            process.stdin.write("end\n")
            process.stdin.flush()
            reader.join()


@dataclass(frozen=True)
class Load:
    """Datagrams to one host at this rate a second; `new_ports`: each to another port."""

    remote: str
    rate: int
    seconds: float
    new_ports: bool = False


def _cost(watched: psutil.Process, place: Place, name: str, load: Load) -> Figure:
    before, begun = watched.cpu_times(), time.monotonic()
    sent, _ = place.call(send, load)
    lasted = time.monotonic() - begun
    after = watched.cpu_times()
    cpu = (after.user + after.system) - (before.user + before.system)
    rss = watched.memory_info().rss / 2**20
    return Figure(
        name=name,
        value=round(100 * cpu / lasted, 2),
        unit="% of a core",
        n=sent,
        load=f"{sent / lasted:,.0f} UDP packets/s of {_PAYLOAD} octets, sensors alone, "
        f"{rss:.0f} MiB afterwards",
    )


def _kernel_time(built: netns.Hospital, place: Place, seconds: float) -> Figure:
    """Time of the sender for a packet with the sensors' filter, less without it."""
    spent = {}
    for watched in (False, True):
        if watched:
            with _sensors(built):
                sent, cpu = place.call(send, Load(netns.SERVER, 0, seconds))
        else:
            sent, cpu = place.call(send, Load(netns.SERVER, 0, seconds))
        spent[watched] = 1e9 * cpu / sent
    return Figure(
        name="capture.filter_ns_per_packet",
        value=round(spent[True] - spent[False]),
        unit="ns",
        n=1,
        load=f"{spent[False]:.0f} ns a packet without, {spent[True]:.0f} with the sensors; "
        "sending, both ends of the veth in it",
    )


def send(load: Load) -> tuple[int, float]:
    """As much as the load says (rate 0: as fast as it goes); how many datagrams, and the
    CPU seconds of it.
    """
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if not load.new_ports:
        sender.connect((load.remote, 5001))
    batch = _Batch(sender, load.remote, named=load.new_ports)
    begun, spent, sent = time.monotonic(), time.thread_time(), 0
    while (elapsed := time.monotonic() - begun) < load.seconds:
        if load.rate and sent > load.rate * elapsed:
            _pause(_AT_ONCE / load.rate)
            continue
        if load.new_ports:
            batch.renumber(sent)
        batch.send()
        sent += _AT_ONCE
    sender.close()
    return sent, time.thread_time() - spent


class _Batch:
    """Fifty datagrams for one sendmmsg."""

    def __init__(self, sender: socket.socket, remote: str, *, named: bool) -> None:
        self._descriptor = sender.fileno()
        self._sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
        self._payload = ctypes.create_string_buffer(_PAYLOAD)
        self._names = [
            ctypes.create_string_buffer(
                socket.AF_INET.to_bytes(2, sys.byteorder) + bytes(2) + socket.inet_aton(remote), 16
            )
            for _ in range(_AT_ONCE)
        ]
        vector = ctypes.addressof(self._payload).to_bytes(8, sys.byteorder)
        self._vector = ctypes.create_string_buffer(vector + _PAYLOAD.to_bytes(8, sys.byteorder), 16)
        self._messages = ctypes.create_string_buffer(
            b"".join(
                (ctypes.addressof(name) if named else 0).to_bytes(8, sys.byteorder)
                + (16 if named else 0).to_bytes(8, sys.byteorder)
                + ctypes.addressof(self._vector).to_bytes(8, sys.byteorder)
                + (1).to_bytes(8, sys.byteorder)
                + bytes(32)
                for name in self._names
            )
        )

    def renumber(self, first: int) -> None:
        """Another port for each."""
        for place, name in enumerate(self._names):
            port = 1024 + (first + place) % 60_000
            ctypes.memmove(ctypes.addressof(name) + 2, port.to_bytes(2, "big"), 2)

    def send(self) -> None:
        self._sendmmsg(self._descriptor, self._messages, _AT_ONCE, 0)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
