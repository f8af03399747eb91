"""Frames that are easily missed, in a network namespace: tagged, injected, flooding; and
connections where packets may not be captured at all.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from checks.facts.connections import ConnectionSeen
from tests.contract.test_network_sensors import ANSWERING, PATIENCE, Probe, python
from tests.netns import (
    GATEWAY,
    OUTSIDE,
    OUTSIDE6,
    POLICY,
    SECOND_LINK,
    SILENT,
    WORKSTATION,
    Hospital,
    hospital,
    missing,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

INJECT = """
import socket, sys
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
link, remote, *tags = sys.argv[1:]
frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
for tag in tags:
    kind, vlan = tag.split(":")
    frame /= (Dot1AD if kind == "ad" else Dot1Q)(vlan=int(vlan))
frame /= IP(src="10.77.1.2", dst=remote) / UDP(sport=4000, dport=53) / b"question"
injected = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
injected.bind((link, 0))
injected.send(bytes(frame))
"""
FLOOD = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 9999))
for _ in range(int(sys.argv[2])):
    s.send(b"x" * 64)
"""
HOLD = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], 443))
time.sleep(1.5)
"""
BRIEF = """
import socket, sys
socket.create_connection((sys.argv[1], 443)).close()
"""


@pytest.fixture(scope="module")
def wards() -> Iterator[Hospital]:
    with hospital() as built, built.start(
        built.outside, sys.executable, "-c", ANSWERING, OUTSIDE6,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        yield built
        server.kill()


@contextmanager
def probing(wards: Hospital, folder: Path, wrapper: Sequence[str] = ()) -> Iterator[Probe]:
    policy = folder / "policy.toml"
    policy.write_text(POLICY + '\n[thresholds]\nattempt_timeout = "1s"\n')
    with wards.start(
        wards.workstation, *wrapper, sys.executable, "-m", "tests.sensor_probe", str(policy),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Probe(process)
        assert process.stdin is not None
        process.stdin.write("end\n")
        process.stdin.flush()
        assert process.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize(
    "tags", [(), ("q:0",), ("q:7",), ("ad:100", "q:7"), ("q:7", "q:8")], ids=" ".join
)
def test_a_frame_that_a_program_injects_is_seen_whatever_its_tags(wards, tmp_path, tags):
    remote = f"198.51.100.{60 + len(' '.join(tags))}"
    with probing(wards, tmp_path) as probe:
        python(wards, INJECT, "intranet0", remote, *tags)

        seen = probe.connection(remote, 53)

    assert (seen.answer, seen.egress.interface) == ("none", "intranet0")


@pytest.mark.parametrize(
    "tags", [("q:0",), ("q:7",), ("ad:100", "q:7"), ("q:7", "q:8")], ids=" ".join
)
def test_a_tagged_frame_from_outside_is_seen(wards, tmp_path, tags):
    """On the second link, whose other end injects."""
    wards.plug_second_link()
    try:
        wards.run(wards.workstation, "ip", "link", "set", SECOND_LINK,
                  "address", "02:00:00:00:00:02")  # fmt: skip
        with probing(wards, tmp_path) as probe:
            wards.run(wards.outside, sys.executable, "-c", INJECT.replace("10.77.1.2", "203.0.113.9"),
                      "cable0", WORKSTATION, *tags)  # fmt: skip

            seen = probe.connection(WORKSTATION, 53)
    finally:
        wards.unplug_second_link()

    assert (seen.direction, seen.source) == ("in", "203.0.113.9")


def test_a_vlan_with_a_link_of_its_own_is_seen_once_and_there(wards, tmp_path):
    try:
        wards.run(wards.workstation, "ip", "link", "add", "link", "intranet0", "name", "ward7",
                  "type", "vlan", "id", "7")  # fmt: skip
    except RuntimeError as refused:
        pytest.skip(f"this kernel makes no VLAN links (module 8021q): {refused}")
    wards.run(wards.workstation, "ip", "address", "add", "10.78.0.2/24", "dev", "ward7")
    wards.run(wards.workstation, "ip", "link", "set", "ward7", "up")
    wards.run(wards.workstation, "ip", "neighbour", "add", "10.78.0.9",
              "lladdr", "02:00:00:00:00:09", "dev", "ward7")  # fmt: skip
    try:
        with probing(wards, tmp_path) as probe:
            python(wards, FLOOD, "10.78.0.9", "1")

            seen = probe.connection("10.78.0.9", 9999)
    finally:
        wards.run(wards.workstation, "ip", "link", "delete", "ward7")

    assert seen.egress.interface == "ward7"


def test_a_link_that_rides_on_another_is_the_way_of_its_own_flows(wards, tmp_path):
    """Both ways show on the link below, too; what is inside over the macvlan stays silent."""
    add = ("ip", "link", "add", "link", "intranet0", "name", "rider0", "type", "macvlan")
    wards.run(wards.workstation, *add, "mode", "bridge")
    wards.run(wards.workstation, "ip", "address", "add", "10.79.0.2/24", "dev", "rider0")
    wards.run(wards.workstation, "ip", "link", "set", "rider0", "up")
    wards.run(wards.workstation, "ip", "neighbour", "add", "10.79.0.9",
              "lladdr", "02:00:00:00:00:09", "dev", "rider0")  # fmt: skip
    try:
        with probing(wards, tmp_path) as probe:
            python(wards, FLOOD, "10.79.0.9", "1")

            seen = probe.connection("10.79.0.9", 9999)
    finally:
        wards.run(wards.workstation, "ip", "link", "delete", "rider0")

    assert seen.egress.interface == "rider0"


def test_a_flood_without_answer_is_one_attempt_and_costs_next_to_nothing(wards, tmp_path):
    with probing(wards, tmp_path) as probe:
        python(wards, FLOOD, SILENT, "20000")

        seen = probe.connection(SILENT, 9999)
        python(wards, FLOOD, OUTSIDE, "1")
        probe.connection(OUTSIDE, 9999)
        facts = [f for f in probe.seen if isinstance(f, ConnectionSeen) and f.destination == SILENT]

    assert (seen.answer, len(facts)) == ("none", 1)


@pytest.fixture
def blind(wards: Hospital, tmp_path: Path) -> Iterator[Probe]:
    """Root, but without the right to open a packet socket."""
    with probing(wards, tmp_path, ("setpriv", "--bounding-set", "-net_raw")) as probe:
        yield probe


def test_without_the_right_to_capture_the_sensor_says_what_it_cannot_see(blind):
    (reason,) = [reason for reason in blind.degraded if "told from sockets" in reason]

    assert "may not capture packets" in reason


def test_without_capture_a_brief_connection_is_still_told(wards, blind):
    python(wards, BRIEF, OUTSIDE)

    seen = blind.connection(OUTSIDE, 443)

    assert (seen.answer, seen.direction, seen.evidence) == ("two_way", "out", "socket")
    assert seen.egress.gateway == GATEWAY


def test_without_capture_an_open_connection_is_told_with_its_process(wards, blind):
    python(wards, HOLD, OUTSIDE6)

    seen = blind.connection(OUTSIDE6, 443)

    assert (seen.answer, getattr(seen.process, "name", "")[:6]) == ("two_way", "python")


def test_without_capture_a_connection_that_nobody_answers_is_an_attempt(wards, blind):
    python(wards, "import socket,sys; s=socket.socket(); s.settimeout(1.5); "
           "s.connect_ex((sys.argv[1], 443))", SILENT)  # fmt: skip

    assert blind.connection(SILENT, 443).answer == "none"
