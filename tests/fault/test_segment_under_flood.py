"""A host on the segment that makes up a hundred thousand others, and switches, and lies about
every length: the agent stays small and quick, and says what it had to refuse.
"""

import contextlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.neighbourhood import HOSTS_KEPT, NEWS_AT_ONCE
from agent.sensors.place import SAID_MOST
from agent.system.lldp import announcement
from agent.system.segment_frames import sighting
from checks.facts.health import SensorGap
from checks.facts.network import NeighboursSeen
from checks.facts.place import SwitchPortState
from tests.contract.test_network_sensors import Probe
from tests.contract.test_segment_sensors import arp, lldp
from tests.netns import POLICY, Hospital, hospital, missing

namespaces = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

CPU_MOST = 12.0
"""Seconds; a look through all hosts for each frame would take minutes."""
STRANGER = bytes.fromhex("525400aa0001")
FLOOD = """
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
frame, count, place = bytearray.fromhex(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
for number in range(count):
    told = number.to_bytes(4, "big")
    frame[8:12] = told
    if place:
        frame[place:place + 4] = told
    wire.send(frame)
"""
ARP_SENDER = 24  # the last four octets of the sender's address in it
LLDP_CHASSIS = 19


@pytest.fixture
def ward() -> Iterator[Hospital]:
    with hospital() as built:
        yield built


@contextlib.contextmanager
def watching(ward: Hospital, state: Path) -> Iterator[tuple[Probe, "subprocess.Popen[str]"]]:
    policy = state / "policy.toml"
    policy.write_text(POLICY)
    with ward.start(
        ward.workstation, sys.executable, "-m", "tests.segment_probe", str(policy), str(state),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield Probe(process), process
        finally:
            if process.poll() is None:
                process.communicate("end\n", timeout=30)


def flooded(ward: Hospital, frame: str, count: int, place: int) -> None:
    ward.run(ward.router, sys.executable, "-c", FLOOD, "wards0", frame, str(count), str(place))


def ended(probe: Probe, process: "subprocess.Popen[str]", sensor: str) -> tuple[SensorGap, float]:
    """Asks for a beat, waits for its hole, and ends: the hole and the CPU seconds."""
    assert process.stdin is not None
    process.stdin.write("heal\n")
    process.stdin.flush()
    gap = probe.until(lambda fact: isinstance(fact, SensorGap) and fact.sensor == sensor)
    assert isinstance(gap, SensorGap)
    process.stdin.write("end\n")
    process.stdin.flush()
    told = next(json.loads(line) for line in probe.lines() if '"cpu_seconds"' in line)
    return gap, float(told["cpu_seconds"])


@namespaces
def test_a_hundred_thousand_made_up_hosts_fill_a_bounded_memory_and_the_hole_is_told(
    ward, tmp_path
):
    with watching(ward, tmp_path) as (probe, process):
        flooded(ward, arp(STRANGER, "10.77.1.9"), 100_000, ARP_SENDER)
        gap, cpu = ended(probe, process, "sightings")

    told = [fact for fact in probe.seen if isinstance(fact, NeighboursSeen)]
    assert sum(len(fact.neighbours) for fact in told) <= HOSTS_KEPT
    assert max(len(fact.neighbours) for fact in told) <= NEWS_AT_ONCE
    assert gap.cause == "overrun"
    assert gap.lost > 50_000
    assert cpu < CPU_MOST


@namespaces
@pytest.mark.parametrize("bridge", [False, True])
def test_made_up_lldp_speakers_are_told_up_to_a_bound_and_the_hole_too(ward, tmp_path, bridge):
    frame = lldp(STRANGER, b"Gi1/0/7", system=b"x" * 255, bridge=bridge, ttl=65535)
    with watching(ward, tmp_path) as (probe, process):
        flooded(ward, frame, 30_000, LLDP_CHASSIS)
        gap, cpu = ended(probe, process, "place")

    # What waited in the socket's buffer is told in the beat that the hole began.
    before = probe.seen[: probe.seen.index(gap)]
    said = [fact for fact in probe.seen if not isinstance(fact, SensorGap)]
    assert len([fact for fact in before if not isinstance(fact, SensorGap)]) <= SAID_MOST + 8
    assert len(said) <= 2 * SAID_MOST + 8
    assert gap.cause == "overrun"
    assert all(len(fact.ports) <= 8 for fact in said if isinstance(fact, SwitchPortState))
    assert cpu < CPU_MOST


def test_mangled_frames_tell_of_nobody_or_of_somebody_bounded_and_never_fail():
    chance = random.Random(802)
    honest = [
        bytes.fromhex(frame)
        for frame in (
            arp(STRANGER, "10.77.1.9"),
            lldp(STRANGER, b"Gi1", system="名\u202e<b>=1+1".encode() * 30, bridge=True),
        )
    ]
    for _ in range(20_000):
        frame = bytearray(chance.choice(honest))
        for _ in range(chance.randrange(6)):
            frame[chance.randrange(len(frame))] = chance.randrange(256)
        mangled = bytes(frame[: chance.randrange(len(frame) + 1)])

        sighting(mangled)
        heard = announcement(mangled)

        if heard is not None:
            assert max(map(len, (heard.chassis, heard.port, heard.system))) <= 96
            assert (heard.chassis + heard.port + heard.system).isprintable()
