"""The allow-list end to end: an approval that has lapsed is told at once, what is denied inside
is seen although it is inside, and what is approved becomes nothing.  Issue 3, line 7.
"""

import subprocess
import sys
import time

import pytest

from tests import netns
from tests.support.live import WITHOUT_OTHERS, Place, running
from tests.support.peers import echo_servers

pytestmark = pytest.mark.skipif(bool(netns.missing()), reason=netns.missing() or "can run")

WITHIN_S = 1.0
"""From the first use of a lapsed approval to its case."""
CONNECT = """
import socket, sys, time
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
print(time.time())
peer.close()
"""
WITHOUT_RESOLVERS = "\n[rules.EXT-09]\nenabled = false\n"
"""This machine's own name server, which no network namespace hides, is not what is looked at."""
ALLOW_LIST = f"""
[[approved]]
name = "vendor maintenance"
destinations = ["{netns.OUTSIDE}/32"]
starts = 2026-01-05
expires = 2026-01-09
applicant = "laboratory"

[[approved]]
name = "settlement"
destinations = ["{netns.OUTSIDE6}/128"]
expires = 2998-12-31
starts = 2998-12-30

[[approved]]
name = "closed server"
effect = "deny"
destinations = ["{netns.SERVER}/32"]
protocol = "tcp"
ports = [80]
"""


@pytest.fixture
def ward(tmp_path):
    """Workstation with an agent, collector behind the router, a world outside."""
    with netns.hospital() as hospital:
        inside, outside = Place(hospital.router), Place(hospital.outside)
        workstation = Place(hospital.workstation)
        with (
            echo_servers(outside, inside),
            running(
                tmp_path,
                policy=netns.POLICY + ALLOW_LIST + WITHOUT_OTHERS + WITHOUT_RESOLVERS,
                host=netns.SERVER,
                collector_place=inside,
                agent_place=workstation,
            ) as (collector, agent),
        ):
            agent.watching("network", "connections")
            yield hospital, collector
        for place in (inside, outside, workstation):
            place.close()


def connect(hospital, address):
    """When it was connected, wall clock in seconds."""
    command = hospital.inside(hospital.workstation, sys.executable, "-c", CONNECT, address, "80")
    done = subprocess.run(command, check=True, timeout=20, capture_output=True, text=True)
    return float(done.stdout)


def test_an_approval_that_has_ended_is_told_within_a_second_and_by_no_other_rule(ward):
    hospital, collector = ward

    connected = connect(hospital, netns.OUTSIDE)
    case = collector.case("EXT-16", seconds=10)
    told_after = time.time() - connected

    assert (case["subject"], case["decided_by"]) == (
        "vendor maintenance",
        "lapsed vendor maintenance",
    )
    assert case["severity"] == "high"
    assert collector.rules() == ["EXT-16"]
    assert told_after < WITHIN_S


def test_one_that_has_not_begun_is_a_case_of_its_own(ward):
    hospital, collector = ward

    connect(hospital, netns.OUTSIDE6)

    assert collector.case("EXT-16")["subject"] == "settlement"
    assert collector.rules() == ["EXT-16"]


def test_what_is_denied_inside_is_seen_although_the_rest_of_the_plan_is_not(ward):
    hospital, collector = ward

    connect(hospital, netns.GATEWAY)
    connect(hospital, netns.SERVER)

    case = collector.case("EXT-06")
    assert case["decided_by"] == "deny closed server"
    assert case["count"] == 1
    assert collector.rules() == ["EXT-06"]
