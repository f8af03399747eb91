"""Who may call an outside address by an approved name: real questions, answers and forgeries in
network namespaces, seen by the network sensors and judged by the allow-list.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from checks.approvals import Standing, standing
from checks.facts.connections import ConnectionSeen
from checks.policy import parse_policy
from tests.contract.test_network_sensors import Probe
from tests.netns import (
    OUTSIDE,
    POLICY,
    SECOND_LINK,
    SECOND_OUTSIDE,
    SERVER,
    WORKSTATION,
    Hospital,
    hospital,
    missing,
)
from tests.samples import context

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")

POLICY_TEXT = (
    POLICY
    + f"""
[names]
resolvers = ["{SERVER}"]

[[approved]]
name = "payments"
destinations = ["*.pay.example"]
expires = 2026-12-31
"""
)
STUB = "127.0.0.53"
HOSPITALS, FOREIGN, UNASKED, MISNUMBERED, SPOOFED, STUBBED, MISLED, LOCAL = (
    f"198.51.100.{number}" for number in range(31, 39)
)
"""An address outside for each way to be called by the approved name."""

NAME_SERVER = """
import socket, sys
ends = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ends.bind((sys.argv[1], 53))
print("up", flush=True)
while True:
    asked, client = ends.recvfrom(2048)
    named = asked[13:13 + asked[12]].decode().replace("-", ".")
    record = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4" + socket.inet_aton(named)
    ends.sendto(asked[:2] + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + asked[12:] + record, client)
"""
"""Calls the address by the name that has it in its first label."""
STUB_SERVER = """
import socket, sys
ends = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ends.bind((sys.argv[1], 53))
print("up", flush=True)
while True:
    asked, client = ends.recvfrom(2048)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
        upstream.connect((sys.argv[2], 53))
        upstream.send(asked)
        ends.sendto(upstream.recv(2048), client)
"""
QUESTION = """
import socket, sys
name = b"".join(
    bytes([len(label)]) + label.encode()
    for label in (sys.argv[1].replace(".", "-"), "pay", "example")
) + b"\\0"
asked = b"\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + name + b"\\0\\1\\0\\1"
"""
ASK = (
    QUESTION
    + """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(5)
    asking.connect((sys.argv[2], 53))
    asking.send(asked)
    asking.recv(999)
"""
)
FORGE = (
    QUESTION
    + """
from scapy.all import IP, UDP, send
record = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4" + socket.inet_aton(sys.argv[1])
number = bytes.fromhex(sys.argv[5])
told = number + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + asked[12:] + record
to = IP(src=sys.argv[2], dst=sys.argv[3]) / UDP(sport=53, dport=int(sys.argv[4]))
send(to / told, verbose=False)
"""
)
"""From whom, to whom, which port, which number."""
WAIT = (
    QUESTION
    + """
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.bind((sys.argv[3], int(sys.argv[4])))
asking.sendto(asked, (sys.argv[2], 53))
print("asked", flush=True)
sys.stdin.read()
"""
)
CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], 443), timeout=5).close()
"""
LISTEN = """
import socket
served = socket.create_server(("0.0.0.0", 443))
print("up", flush=True)
while True:
    served.accept()[0].close()
"""


@pytest.fixture(scope="module")
def ward() -> Iterator[Hospital]:
    with hospital() as built:
        called = (HOSPITALS, FOREIGN, UNASKED, MISNUMBERED, SPOOFED, STUBBED, MISLED, LOCAL)
        for address in called:
            built.run(built.outside, "ip", "address", "add", f"{address}/32", "dev", "world0")
        with (
            serving(built, built.router, NAME_SERVER, SERVER),
            serving(built, built.outside, NAME_SERVER, OUTSIDE),
            serving(built, built.outside, LISTEN),
        ):
            yield built


@pytest.fixture(scope="module")
def probe(ward: Hospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    written = tmp_path_factory.mktemp("named") / "policy.toml"
    written.write_text(POLICY_TEXT)
    with ward.start(
        ward.workstation, sys.executable, "-m", "tests.sensor_probe", str(written),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Probe(process)
        process.kill()


@contextmanager
def serving(ward: Hospital, namespace: str, script: str, *arguments: str) -> Iterator[None]:
    with ward.start(
        namespace, sys.executable, "-c", script, *arguments, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "up\n"
        yield
        server.kill()


def run(ward: Hospital, script: str, *arguments: str) -> None:
    ward.run(ward.workstation, sys.executable, "-c", script, *arguments)


def connected(ward: Hospital, probe: Probe, address: str) -> ConnectionSeen:
    run(ward, CONNECT, address)
    return probe.connection(address, 443)


def judged(seen: ConnectionSeen) -> Standing:
    return standing(seen, context(policy=parse_policy(POLICY_TEXT)))


def test_a_name_that_the_hospitals_server_gave_approves(ward, probe):
    run(ward, ASK, HOSPITALS, SERVER)

    seen = connected(ward, probe, HOSPITALS)

    assert seen.name == "198-51-100-31.pay.example"
    assert seen.named_by is not None
    assert (seen.named_by.server, seen.named_by.egress.interface) == (SERVER, "intranet0")
    assert judged(seen).decided_by == "approved payments"


def test_a_name_that_a_server_outside_gave_does_not(ward, probe):
    run(ward, ASK, FOREIGN, OUTSIDE)

    seen = connected(ward, probe, FOREIGN)

    assert seen.named_by is not None
    assert seen.named_by.server == OUTSIDE
    assert judged(seen).decided_by == "unproven name: payments"


def test_an_answer_that_nobody_asked_for_names_nothing(ward, probe):
    ward.run(
        ward.router, sys.executable, "-c", FORGE, UNASKED, SERVER, WORKSTATION, "40053", "0102"
    )

    seen = connected(ward, probe, UNASKED)

    assert (seen.name, seen.named_by) == ("", None)
    assert judged(seen).is_violation


def test_an_answer_with_another_number_than_the_questions_names_nothing(ward, probe):
    silent = "10.77.2.77"  # routed to the router, where nobody has it
    with ward.start(
        ward.workstation, sys.executable, "-c", WAIT, MISNUMBERED, silent, WORKSTATION, "40054",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as asking:  # fmt: skip
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asked\n"
        forged = (FORGE, MISNUMBERED, silent, WORKSTATION, "40054")
        ward.run(ward.router, sys.executable, "-c", *forged, "0103")
        wrong = connected(ward, probe, MISNUMBERED)
        ward.run(ward.router, sys.executable, "-c", *forged, "0102")
        probe.seen.clear()
        right = connected(ward, probe, MISNUMBERED)
        asking.kill()

    assert wrong.name == ""
    assert right.named_by is not None
    assert right.named_by.server == silent  # the right number is believed as an answer,
    found = judged(right)
    assert found.decided_by == "unproven name: payments"  # not as the hospital's


def test_the_servers_own_address_over_another_link_is_not_the_hospitals(ward, probe):
    ward.plug_second_link()
    try:
        ward.run(ward.outside, "ip", "address", "add", f"{SERVER}/32", "dev", "cable0")
        ward.run(
            ward.workstation, "ip", "route", "add", f"{SERVER}/32", "via", SECOND_OUTSIDE,
            "dev", SECOND_LINK,
        )  # fmt: skip
        with serving(ward, ward.outside, NAME_SERVER, SERVER):
            run(ward, ASK, SPOOFED, SERVER)
    finally:
        ward.unplug_second_link()

    seen = connected(ward, probe, SPOOFED)

    assert seen.named_by is not None
    assert (seen.named_by.server, seen.named_by.egress.interface) == (SERVER, SECOND_LINK)
    assert seen.egress.interface == "intranet0"
    assert judged(seen).decided_by == "unproven name: payments"


@pytest.mark.parametrize(
    ("address", "upstream", "decided_by"),
    [(STUBBED, SERVER, "approved payments"), (MISLED, OUTSIDE, "unproven name: payments")],
)
def test_a_stub_on_the_machine_counts_by_what_its_server_told_it(
    ward, probe, address, upstream, decided_by
):
    with serving(ward, ward.workstation, STUB_SERVER, STUB, upstream):
        run(ward, ASK, address, STUB)

    seen = connected(ward, probe, address)

    assert seen.named_by is not None
    assert seen.named_by.server == upstream
    assert judged(seen).decided_by == decided_by


def test_a_program_on_the_machine_that_answers_itself_names_nothing(ward, probe):
    with serving(ward, ward.workstation, NAME_SERVER, STUB):
        run(ward, ASK, LOCAL, STUB)

    seen = connected(ward, probe, LOCAL)

    assert seen.name == ""
    assert judged(seen).is_violation
