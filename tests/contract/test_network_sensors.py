"""The network sensors in a network namespace: real processes, real packets."""

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from checks.facts import KINDS, Fact
from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen
from checks.facts.health import SensorGap
from checks.facts.network import NetworkState
from tests.netns import (
    GATEWAY,
    GATEWAY6,
    OUTSIDE,
    OUTSIDE6,
    POLICY,
    SECOND_LINK,
    SECOND_OUTSIDE,
    SERVER,
    SERVER6,
    SILENT,
    SILENT6,
    Hospital,
    hospital,
    missing,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

PATIENCE = 10.0

ANSWERING = """
import socket, sys, threading
def accept(family, host):
    server = socket.create_server((host, 443), family=family, backlog=4096)
    while True:
        server.accept()[0].close()
def echo(family, host):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((host, 53))
    while True:
        octets, sender = server.recvfrom(2000)
        server.sendto(octets, sender)
for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, sys.argv[1])):
    threading.Thread(target=accept, args=(family, host), daemon=True).start()
    threading.Thread(target=echo, args=(family, host), daemon=True).start()
print("up", flush=True)
sys.stdin.readline()
"""
CONNECT = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.settimeout(0.3)
s.connect_ex((sys.argv[1], int(sys.argv[2])))
"""
DATAGRAM = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.sendto(b"question", (sys.argv[1], 53))
s.recv(100)
"""


class Probe:
    """The sensors in a process of their own; `until` waits for a fact."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._waiting: queue.Queue[str] = queue.Queue()
        self.seen: list[Fact] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.degraded = next(json.loads(line)["ready"] for line in self.lines() if "ready" in line)

    def until(self, wanted: Callable[[Fact], bool]) -> Fact:
        for fact in self.seen:
            if wanted(fact):
                return fact
        for line in self.lines():
            if wanted(self.seen[-1]) and '"fact"' in line:
                return self.seen[-1]
        raise AssertionError(f"never came; seen: {self.seen}")

    def connection(self, destination: str, port: int) -> ConnectionSeen:
        fact = self.until(
            lambda f: (
                isinstance(f, ConnectionSeen)
                and (f.destination, f.destination_port) == (destination, port)
            )
        )
        assert isinstance(fact, ConnectionSeen)
        return fact

    def lines(self) -> Iterator[str]:
        while True:
            try:
                line = self._waiting.get(timeout=PATIENCE)
            except queue.Empty:
                return
            if '"fact"' in line:
                raw = msgspec.json.decode(line, type=dict[str, msgspec.Raw])["fact"]
                kind = msgspec.json.decode(raw)["kind"]
                self.seen.append(msgspec.json.decode(raw, type=KINDS[kind]))
            yield line

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._waiting.put(line)


@pytest.fixture(scope="module")
def wards() -> Iterator[Hospital]:
    with hospital() as built, answering(built):
        yield built


@contextmanager
def answering(built: Hospital) -> Iterator[None]:
    with built.start(
        built.outside, sys.executable, "-c", ANSWERING, OUTSIDE6,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        yield
        server.kill()


@pytest.fixture
def probe(wards: Hospital, tmp_path: Path) -> Iterator[Probe]:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY + '\n[thresholds]\nattempt_timeout = "1s"\n')
    with wards.start(
        wards.workstation, sys.executable, "-m", "tests.sensor_probe", str(policy),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Probe(process)
        assert process.stdin is not None
        process.stdin.write("end\n")
        process.stdin.flush()
        assert process.wait(timeout=PATIENCE) == 0


def python(wards: Hospital, script: str, *arguments: str) -> None:
    wards.run(wards.workstation, sys.executable, "-c", script, *arguments)


@pytest.mark.parametrize(("outside", "gateway"), [(OUTSIDE, GATEWAY), (OUTSIDE6, GATEWAY6)])
def test_a_short_tcp_connection_is_seen_with_its_process(wards, probe, outside, gateway):
    python(wards, CONNECT, outside, "443")

    fact = probe.connection(outside, 443)

    assert (fact.protocol, fact.answer, fact.direction) == ("tcp", "two_way", "out")
    assert (fact.egress.kind, fact.egress.gateway) == ("virtual", gateway)
    assert 0 < fact.answered_us - fact.first_seen_us < 1_000_000
    assert set(probe.degraded) == {""}, "this kernel gives no eBPF; processes may be unknown"
    assert isinstance(fact.process, Process)
    assert (fact.process.name, fact.process.user) == ("python", "root")


@pytest.mark.parametrize("outside", [OUTSIDE, OUTSIDE6])
def test_one_datagram_with_an_answer_is_two_way(wards, probe, outside):
    python(wards, DATAGRAM, outside)

    fact = probe.connection(outside, 53)

    assert (fact.protocol, fact.answer) == ("udp", "two_way")
    assert isinstance(fact.process, Process)


@pytest.mark.parametrize(("outside", "protocol"), [(OUTSIDE, "icmp"), (OUTSIDE6, "icmpv6")])
def test_one_ping_is_two_way(wards, probe, outside, protocol):
    try:
        wards.run(wards.workstation, "ping", "-c1", "-W2", outside)
    except RuntimeError as failure:
        if "No such file" in str(failure):
            pytest.skip("the tool ping (Debian package iputils-ping) is missing")
        raise

    fact = probe.connection(outside, 0)

    assert (fact.protocol, fact.answer) == (protocol, "two_way")
    assert isinstance(fact.process, Process)
    assert fact.process.name == "ping"
    assert fact.process.executable.endswith("/ping"), "told by its exec: it has ended by now"


@pytest.mark.parametrize("silent", [SILENT, SILENT6])
def test_a_syn_that_nobody_answers_is_an_attempt(wards, probe, silent):
    python(wards, CONNECT, silent, "443")

    assert probe.connection(silent, 443).answer == "none"


def test_a_closed_port_outside_is_refused(wards, probe):
    python(wards, CONNECT, OUTSIDE, "444")

    assert probe.connection(OUTSIDE, 444).answer == "refused"


def test_traffic_inside_the_plan_is_silent(wards, probe):
    for inside in (SERVER, SERVER6, GATEWAY):
        python(wards, CONNECT, inside, "443")
    python(wards, CONNECT, OUTSIDE, "443")

    probe.connection(OUTSIDE, 443)

    connections = [fact for fact in probe.seen if isinstance(fact, ConnectionSeen)]
    assert [fact.destination for fact in connections] == [OUTSIDE]


def test_an_inside_address_over_an_unplanned_link_is_outside(wards, probe):
    wards.plug_second_link()
    try:
        probe.until(
            lambda f: (
                isinstance(f, NetworkState) and any(r.interface == SECOND_LINK for r in f.routes)
            )
        )
        python(wards, CONNECT, SECOND_OUTSIDE, "443")

        fact = probe.connection(SECOND_OUTSIDE, 443)

        assert (fact.answer, fact.egress.interface) == ("two_way", SECOND_LINK)
    finally:
        wards.unplug_second_link()
    probe.until(
        lambda f: (
            isinstance(f, NetworkState)
            and all(link.name != SECOND_LINK for link in f.links)
            and len(probe.seen) > 2
        )
    )


def test_a_connection_from_outside_is_seen_as_incoming(wards, probe):
    listener = """
import socket, sys
s = socket.create_server(("", 8080)); print(flush=True); s.accept(); sys.stdin.readline()
"""
    with wards.start(
        wards.workstation, sys.executable, "-c", listener,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        server.stdout.readline()
        wards.run(wards.outside, sys.executable, "-c", CONNECT, "10.77.1.2", "8080")

        fact = probe.connection("10.77.1.2", 8080)
        server.communicate("end\n", timeout=PATIENCE)

    assert (fact.direction, fact.outside, fact.answer) == ("in", OUTSIDE, "two_way")
    assert isinstance(fact.process, Process)
    assert fact.process.pid == server.pid


def test_a_connection_that_was_open_before_is_found_in_the_socket_table(wards, tmp_path):
    holder = f"""
import socket, sys
s = socket.create_connection(("{OUTSIDE}", 7))
s.recv(1); print(flush=True); sys.stdin.readline()
"""
    talker = """
import socket
s = socket.create_server(("", 7)); print(flush=True); c, _ = s.accept(); c.send(b"x"); c.recv(9)
"""
    with (
        wards.start(wards.outside, sys.executable, "-c", talker, stdout=subprocess.PIPE) as server,
        tmp_path.joinpath("policy.toml").open("w") as policy,
    ):
        server.stdout.readline()
        client = wards.start(
            wards.workstation, sys.executable, "-c", holder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        client.stdout.readline()
        policy.write(POLICY)
        policy.flush()
        with client, wards.start(
            wards.workstation, sys.executable, "-m", "tests.sensor_probe", policy.name,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as process:  # fmt: skip
            fact = Probe(process).connection(OUTSIDE, 7)
            process.communicate("end\n", timeout=PATIENCE)
            client.communicate("end\n", timeout=PATIENCE)

    assert (fact.answer, fact.evidence, fact.direction) == ("two_way", "socket", "out")
    assert isinstance(fact.process, Process)
    assert fact.process.pid == client.pid


def test_of_a_burst_of_two_thousand_connections_none_is_lost(wards, probe):
    burst = f"""
import socket
for _ in range(2000):
    socket.create_connection(("{OUTSIDE}", 443)).close()
"""
    python(wards, burst)
    wanted = 2000

    def complete(_: Fact) -> bool:
        told = [f for f in probe.seen if isinstance(f, ConnectionSeen)]
        return sum(fact.flows for fact in told) >= wanted

    probe.until(complete)

    connections = [fact for fact in probe.seen if isinstance(fact, ConnectionSeen)]
    assert len(connections) == wanted
    assert all(isinstance(fact.process, Process) for fact in connections)
    assert not any(isinstance(fact, SensorGap) for fact in probe.seen)


def test_lost_packets_are_a_gap_and_open_connections_are_still_found(wards, tmp_path):
    """The sensor is stopped by a signal until the socket's buffer has overflowed."""
    flood = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(240_000):
    try:
        s.sendto(b"x", ("{OUTSIDE}", 1000 + number % 60_000))
    except OSError:
        pass
"""
    talker = """
import socket
s = socket.create_server(("", 7)); print(flush=True); c, _ = s.accept(); c.send(b"x"); c.recv(9)
"""
    holder = f"""
import socket, sys
s = socket.create_connection(("{OUTSIDE}", 7)); s.recv(1); print(flush=True); sys.stdin.readline()
"""
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        wards.start(wards.outside, sys.executable, "-c", talker, **pipes) as server,
        wards.start(
            wards.workstation, sys.executable, "-m", "tests.sensor_probe", str(policy), **pipes
        ) as process,
    ):
        server.stdout.readline()
        probe = Probe(process)
        process.send_signal(signal.SIGSTOP)
        python(wards, flood)
        with wards.start(wards.workstation, sys.executable, "-c", holder, **pipes) as client:
            client.stdout.readline()
            process.send_signal(signal.SIGCONT)
            gap = probe.until(lambda f: isinstance(f, SensorGap))
            fact = probe.connection(OUTSIDE, 7)
            client.communicate("end\n", timeout=PATIENCE)
        process.communicate("end\n", timeout=PATIENCE)

    assert isinstance(gap, SensorGap)
    assert (gap.sensor, gap.cause) == ("connections", "overrun")
    assert gap.lost > 0
    assert (fact.answer, fact.evidence) == ("two_way", "overrun")
