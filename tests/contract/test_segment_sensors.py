"""The sensors of the segment in a network namespace: real frames, real addresses."""

import contextlib
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.facts.health import SensorGap
from checks.facts.network import Neighbour, NeighboursSeen
from checks.facts.place import AddressChanged, EndpointMoved, SwitchPort, SwitchPortState
from tests.contract.test_network_sensors import PATIENCE, Probe
from tests.netns import GATEWAY, POLICY, WORKSTATION, Hospital, hospital, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

STRANGER = bytes.fromhex("525400aa0001")
SEND = """
import socket, sys, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((sys.argv[1], 0))
for frame in sys.argv[2:]:
    wire.send(bytes.fromhex(frame))
"""
FLOOD = """
import socket, sys, time
wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ends = time.monotonic() + 2
while time.monotonic() < ends:
    for _ in range(200):
        wire.sendto(b"x" * 64, (sys.argv[1], 9))
    time.sleep(0.005)
"""


def ethernet(source: bytes, ethertype: int, body: bytes, to: bytes = b"\xff" * 6) -> str:
    return (to + source + struct.pack("!H", ethertype) + body).hex()


def arp(source: bytes, address: str, *, code: int = 1, target: str = GATEWAY) -> str:
    octets = [bytes(int(part) for part in each.split(".")) for each in (address, target)]
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, code)
    return ethernet(source, 0x0806, head + source + octets[0] + bytes(6) + octets[1])


def lldp(source: bytes, port: bytes, *, system: bytes, bridge: bool, ttl: int = 120) -> str:
    values = [
        (1, b"\x04" + source),
        (2, b"\x05" + port),
        (3, struct.pack("!H", ttl)),
        (5, system),
        (7, struct.pack("!HH", 0x84, 0x04 if bridge else 0x80)),
        (127, b"\x00\x80\xc2\x01\x00\x64"),
        (0, b""),
    ]
    body = b"".join(struct.pack("!H", kind << 9 | len(value)) + value for kind, value in values)
    return ethernet(source, 0x88CC, body, bytes.fromhex("0180c200000e"))


@pytest.fixture(scope="module")
def ward() -> Iterator[Hospital]:
    with hospital() as built:
        yield built


@contextlib.contextmanager
def watching(ward: Hospital, state: Path) -> Iterator[Probe]:
    """The sensors in the workstation; a second one on the same folder is a restart."""
    policy = state / "policy.toml"
    policy.write_text(POLICY)
    with ward.start(
        ward.workstation, sys.executable, "-m", "tests.segment_probe", str(policy), str(state),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield Probe(process)
        except BaseException:
            process.kill()
            raise
        process.stdin.write("end\n")
        process.stdin.flush()
        assert process.wait(timeout=PATIENCE) == 0


@pytest.fixture
def probe(ward: Hospital, tmp_path: Path) -> Iterator[Probe]:
    with watching(ward, tmp_path) as started:
        yield started


def send(ward: Hospital, *frames: str) -> None:
    ward.run(ward.router, sys.executable, "-c", SEND, "wards0", *frames)


def neighbour(probe: Probe, mac: str) -> Neighbour:
    def tells(fact: object) -> bool:
        return isinstance(fact, NeighboursSeen) and any(n.mac == mac for n in fact.neighbours)

    fact = probe.until(tells)
    assert isinstance(fact, NeighboursSeen)
    return next(n for n in fact.neighbours if n.mac == mac)


def test_a_stranger_that_asks_for_an_address_is_told(ward, probe):
    send(ward, arp(STRANGER, "10.77.1.99"))

    seen = neighbour(probe, "52:54:00:aa:00:01")

    assert (seen.address, seen.interface, seen.how) == ("10.77.1.99", "intranet0", "arp")
    assert seen.heard_us > 0


def test_a_real_gateway_is_heard_when_it_answers(ward, probe):
    ward.run(ward.workstation, "ip", "neighbour", "flush", "dev", "intranet0")
    ward.run(ward.workstation, "ping", "-c1", "-W2", GATEWAY)
    link = json.loads(ward.run(ward.router, "ip", "-j", "link", "show", "dev", "wards0"))[0]

    seen = neighbour(probe, link["address"])

    assert (seen.address, seen.how) in {(GATEWAY, "arp"), ("fd77:0:0:1::1", "nd")}


def test_duplicate_address_detection_gives_a_host_away_before_it_has_an_address(ward, probe):
    solicitation = bytes([135]) + bytes(23)
    header = struct.pack("!IHBB", 6 << 28, len(solicitation), 58, 255) + bytes(16)
    target = bytes.fromhex("ff0200000000000000000001ff000001")
    source = bytes.fromhex("525400aa0002")

    send(ward, ethernet(source, 0x86DD, header + target + solicitation, b"\x33\x33\xff\0\0\x01"))

    assert neighbour(probe, "52:54:00:aa:00:02").how == "nd"


def test_a_dhcp_client_is_told_with_its_name(ward, probe):
    source = bytes.fromhex("525400aa0003")
    bootp = bytes([1, 1, 6, 0]) + bytes(24) + source + bytes(10 + 192)
    request = bootp + b"\x63\x82\x53\x63\x35\x01\x03\x0c\x07huawei9\xff"
    udp = struct.pack("!HHHH", 68, 67, 8 + len(request), 0) + request
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4
    )

    send(ward, ethernet(source, 0x0800, ip + udp))

    seen = neighbour(probe, "52:54:00:aa:00:03")
    assert (seen.name, seen.how, seen.address) == ("huawei9", "dhcp", "")


def test_many_strangers_are_told_together_and_each_once(ward, probe):
    frames = [arp(bytes.fromhex(f"525400bb00{n:02x}"), f"10.77.1.{n}") for n in range(40)]
    send(ward, *frames, *frames)

    last = neighbour(probe, "52:54:00:bb:00:27")

    facts = [fact for fact in probe.seen if isinstance(fact, NeighboursSeen)]
    told = [n.mac for fact in facts for n in fact.neighbours if n.mac.startswith("52:54:00:bb")]
    assert last.address == "10.77.1.39"
    assert (len(told), len(set(told))) == (40, 40)
    assert len(facts) <= 3


def test_what_the_intranet_otherwise_says_does_not_wake_the_sensor(ward, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    command = (sys.executable, "-m", "tests.segment_probe", str(policy), str(tmp_path))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ward.start(ward.workstation, *command, **pipes) as process:
        assert process.stdout.readline()
        ward.run(ward.router, sys.executable, "-c", FLOOD, WORKSTATION)
        told, _ = process.communicate("end\n", timeout=PATIENCE)
    lines = [json.loads(line) for line in told.splitlines() if '"wakes"' in line]

    assert lines[0]["wakes"] < 25


def test_the_switch_port_is_read_and_another_one_after_a_restart_is_a_move(ward, tmp_path):
    switch = bytes.fromhex("525400cc0001")
    with watching(ward, tmp_path) as probe:
        send(ward, lldp(switch, b"Gi1/0/7", system="sw-病房3".encode(), bridge=True))
        state = probe.until(lambda f: isinstance(f, SwitchPortState))
    with watching(ward, tmp_path) as probe:
        send(ward, lldp(switch, b"Gi1/0/7", system=b"sw", bridge=True))
        probe.until(lambda f: isinstance(f, SwitchPortState))
        same = [fact for fact in probe.seen if isinstance(fact, EndpointMoved)]
    with watching(ward, tmp_path) as probe:
        send(ward, lldp(switch, b"Gi1/0/9", system=b"sw", bridge=True))
        moved = probe.until(lambda f: isinstance(f, EndpointMoved))

    assert state.ports == (
        SwitchPort(
            interface="intranet0",
            chassis="52:54:00:cc:00:01",
            port="Gi1/0/7",
            system="sw-病房3",
            vlan=100,
        ),
    )
    assert same == []
    assert (moved.what, moved.before, moved.after) == (
        "switch_port",
        "52:54:00:cc:00:01 Gi1/0/7",
        "52:54:00:cc:00:01 Gi1/0/9",
    )


def test_a_host_that_speaks_lldp_is_a_neighbour_and_no_switch(ward, probe):
    send(ward, lldp(bytes.fromhex("525400cc0002"), b"eth0", system=b"server-9", bridge=False))

    seen = neighbour(probe, "52:54:00:cc:00:02")

    assert (seen.name, seen.how) == ("server-9", "lldp")
    assert not any(isinstance(fact, SwitchPortState) for fact in probe.seen)


def settled(state: Path) -> None:
    """Waits until the place has been compared and kept."""
    ends = 100
    while not (state / "place.json").exists() and ends:
        subprocess.run(["sleep", "0.1"], check=True)
        ends -= 1
    assert ends, "the place was never kept"


def readdress(ward: Hospital, before: str, after: str) -> None:
    """A primary address takes its secondaries along, and the routes with it."""
    place = (ward.workstation, "ip")
    ward.run(*place, "address", "delete", before, "dev", "intranet0")
    ward.run(*place, "address", "add", after, "dev", "intranet0")
    ward.run(*place, "route", "replace", "default", "via", GATEWAY)


def test_another_address_is_told_and_a_flap_or_a_restart_is_not(ward, tmp_path):
    with watching(ward, tmp_path):
        settled(tmp_path)
    with watching(ward, tmp_path) as probe:
        ward.run(ward.workstation, "ip", "link", "set", "intranet0", "down")
        ward.run(ward.workstation, "ip", "link", "set", "intranet0", "up")
        ward.run(ward.workstation, "ip", "route", "add", "default", "via", GATEWAY)
        subprocess.run(["sleep", "4"], check=True)
        readdress(ward, f"{WORKSTATION}/24", "10.77.1.55/24")
        changed = probe.until(lambda f: isinstance(f, (AddressChanged, EndpointMoved)))
    readdress(ward, "10.77.1.55/24", f"{WORKSTATION}/24")

    assert (changed.what, changed.before, changed.after) == (
        "address",
        f"{WORKSTATION}/24",
        "10.77.1.55/24",
    )


def test_a_torn_memory_begins_anew_and_says_so(ward, tmp_path):
    (tmp_path / "place.json").write_bytes(b'{"adapters":["x"],"standi')

    with watching(ward, tmp_path) as probe:
        gap = probe.until(lambda f: isinstance(f, SensorGap))

    assert (gap.sensor, gap.cause) == ("place", "failed")
    assert (tmp_path / "place.json.broken").exists()
