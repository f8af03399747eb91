"""The whole story of a connection: a process in a namespace, the kernel, the agent, the
wire, the collector, the API.  Issue 2, line 2.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import netns
from tests.support.live import WITHOUT_OTHERS, Place, running, until
from tests.support.peers import echo_servers, mailbox

pytestmark = pytest.mark.skipif(bool(netns.missing()), reason=netns.missing() or "can run")

FIVE_MS_TCP = """
import socket, sys, time
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
time.sleep(0.005)
peer.close()
"""
ONE_DATAGRAM = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.sendto(b"question", (sys.argv[1], int(sys.argv[2])))
s.settimeout(3)
s.recvfrom(100)
"""
SYN_WITHOUT_ANSWER = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.settimeout(0.2)
try:
    s.connect((sys.argv[1], int(sys.argv[2])))
except OSError:
    pass
"""
MAIL = '[[mail.recipients]]\naddress = "duty@hospital.example"\nseverity = "notice"\n'


@pytest.fixture
def ward(tmp_path):
    """Workstation with an agent, collector behind the router, a world outside."""
    with netns.hospital() as hospital:
        inside, outside = Place(hospital.router), Place(hospital.outside)
        workstation = Place(hospital.workstation)
        with (
            echo_servers(outside, inside),
            mailbox(inside) as mails,
            running(
                tmp_path,
                policy=netns.POLICY + MAIL + WITHOUT_OTHERS,
                host=netns.SERVER,
                collector_place=inside,
                agent_place=workstation,
                settings=mails.settings,
            ) as (collector, agent),
        ):
            agent.watching("network", "connections")
            yield hospital, collector, mails
        for place in (inside, outside, workstation):
            place.close()


def python(hospital, code, *arguments):
    command = hospital.inside(hospital.workstation, sys.executable, "-c", code, *arguments)
    subprocess.run(command, check=True, timeout=20)


def evidence(case):
    return [item["fact"] for item in case["evidence"]]


@pytest.mark.parametrize("address", [netns.OUTSIDE, netns.OUTSIDE6])
def test_what_reaches_outside_through_the_gateway_is_a_boundary_leak_with_proof(ward, address):
    hospital, collector, _ = ward

    python(hospital, FIVE_MS_TCP, address, "80")
    python(hospital, ONE_DATAGRAM, address, "53")
    hospital.run(hospital.workstation, "ping", "-c", "1", "-W", "2", address)

    def whole():
        case = collector.case("EXT-06")
        seen = {fact["protocol"]: fact for fact in evidence(case)}
        return case if len(seen) == 3 else None

    case = until(whole, told="three connections as evidence of EXT-06")
    seen = {fact["protocol"]: fact for fact in evidence(case)}
    ping = "icmpv6" if ":" in address else "icmp"
    assert set(seen) == {"tcp", "udp", ping}
    assert {fact["answer"] for fact in seen.values()} == {"two_way"}
    assert {fact["destination"] for fact in seen.values()} == {address}
    assert seen["tcp"]["destination_port"] == 80
    assert Path(seen["tcp"]["process"]["executable"]).name.startswith("python")
    assert Path(seen["udp"]["process"]["executable"]).name.startswith("python")
    assert seen[ping]["process"]["name"] == "ping"
    assert collector.rules() == ["EXT-06"]


def test_a_syn_without_answer_is_counted_and_mails_nobody(ward):
    hospital, collector, mails = ward

    python(hospital, SYN_WITHOUT_ANSWER, netns.SILENT, "443")
    python(hospital, SYN_WITHOUT_ANSWER, netns.SILENT6, "443")

    until(
        lambda: sum(case["count"] for case in collector.cases(rule="EXT-17")) == 2,
        seconds=90,
        told="two attempts counted",
    )
    assert set(collector.rules()) == {"EXT-17"}
    assert mails.received() == []


def test_traffic_inside_the_plan_becomes_nothing(ward):
    hospital, collector, _ = ward

    for address in (netns.SERVER, netns.SERVER6, netns.GATEWAY):
        python(hospital, FIVE_MS_TCP, address, "80")
        hospital.run(hospital.workstation, "ping", "-c", "1", address)
    python(hospital, FIVE_MS_TCP, netns.OUTSIDE, "80")

    collector.case("EXT-06")
    assert collector.rules() == ["EXT-06"]
    answer = collector.get("/api/v1/observations", kind="connection").json()
    seen = [item["fact"] for item in answer["observations"]]
    assert [fact["destination"] for fact in seen] == [netns.OUTSIDE], str(seen)


def test_the_same_private_address_over_a_second_link_is_one_machine_on_two_networks(ward):
    hospital, collector, mails = ward

    hospital.plug_second_link()
    second = collector.case("EXT-03")
    python(hospital, FIVE_MS_TCP, netns.SECOND_OUTSIDE, "80")

    case = collector.case("EXT-01")
    [fact] = evidence(case)
    assert fact["destination"] == netns.SECOND_OUTSIDE
    assert fact["egress"]["interface"] == netns.SECOND_LINK
    assert (case["severity"], case["decided_by"]) == (
        "critical",
        "default: outside the address plan",
    )
    assert second["subject"] == netns.SECOND_LINK
    assert collector.rules() == ["EXT-01", "EXT-03"]
    until(lambda: len(mails.received()) == 2, told="a mail for each case")
