"""From the kernel's event to the case in the API, agent and collector on this machine.

Each event is awaited before the next one is made, with a pause between; the API is polled
every 5 ms by one client, whose own answer time is part of the figure.
"""

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import netns
from tests.bench.figures import Figure, latency
from tests.support.live import Agent, Collector, Place, running, until
from tests.support.peers import TCP_PORT, echo_servers

EVENTS, EVENTS_SMALL = 220, 20
POLL_S = 0.005
PAUSE_S = 0.02
LOAD = "one event at a time, agent and collector idle otherwise"


def measure(*, small: bool) -> list[Figure]:
    events = EVENTS_SMALL if small else EVENTS
    with ward() as (hospital, workstation, collector, _):
        connections = _connections(workstation, collector, events)
        interfaces = _interfaces(hospital, collector, events)
    return [
        *latency("detect.connection", connections, LOAD),
        *latency("detect.interface", interfaces, LOAD),
    ]


@contextmanager
def ward() -> Iterator[tuple[netns.Hospital, Place, Collector, Agent]]:
    """The namespaces of the end-to-end tests with agent and collector running."""
    with tempfile.TemporaryDirectory() as folder, netns.hospital() as hospital:
        inside, outside = Place(hospital.router), Place(hospital.outside)
        workstation = Place(hospital.workstation)
        with (
            echo_servers(outside),
            running(
                Path(folder),
                policy=netns.POLICY,
                host=netns.SERVER,
                collector_place=inside,
                agent_place=workstation,
            ) as (collector, agent),
        ):
            agent.watching("network", "connections")
            yield hospital, workstation, collector, agent
        for place in (inside, outside, workstation):
            place.close()


def _connections(workstation: Place, collector: Collector, events: int) -> list[float]:
    workstation.call(_connect)
    case = collector.case("EXT-06")["id"]
    counted = collector.whole(case)["count"]
    seconds = []
    for number in range(1, events + 1):
        begun = workstation.call(_connect)
        _until(lambda number=number: collector.whole(case)["count"] >= counted + number)
        seconds.append(time.monotonic() - begun)
        _pause()
    return seconds


def _connect() -> float:
    """One TCP connection; the moment before its SYN."""
    begun = time.monotonic()
    socket.create_connection((netns.OUTSIDE, TCP_PORT), 5).close()
    return begun


def _interfaces(hospital: netns.Hospital, collector: Collector, events: int) -> list[float]:
    seconds = []
    for number in range(events):
        name = f"extra{number}"
        hospital.run(hospital.workstation, "ip", "link", "add", name, "type", "veth",
                     "peer", "name", f"peer{number}")  # fmt: skip
        hospital.run(hospital.workstation, "ip", "link", "set", f"peer{number}", "up")
        hospital.run(hospital.workstation, "ip", "address", "add", "192.168.8.2/24", "dev", name)
        begun = time.monotonic()
        hospital.run(hospital.workstation, "ip", "link", "set", name, "up")
        _until(lambda name=name: _has_subject(collector, name))
        seconds.append(time.monotonic() - begun)
        hospital.run(hospital.workstation, "ip", "link", "delete", name)
        _pause()
    return seconds


def _has_subject(collector: Collector, subject: str) -> bool:
    newest = collector.get("/api/v1/cases", rule="EXT-03", limit=5).json()["cases"]
    return any(case["subject"] == subject for case in newest)


def _until(there: Callable[[], bool]) -> None:
    until(there, seconds=20, every=POLL_S)


def _pause() -> None:
    threading.Event().wait(PAUSE_S)
