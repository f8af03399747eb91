"""A machine leaves the intranet, reaches outside elsewhere and comes back: EXT-02 with the
times at which it happened.
"""

import subprocess
import sys
import threading
import time
from datetime import datetime

import pytest

from tests import netns
from tests.support.live import WITHOUT_OTHERS, Place, running, until
from tests.support.peers import echo_servers

pytestmark = pytest.mark.skipif(bool(netns.missing()), reason=netns.missing() or "can run")

ONE_CONNECTION = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).close()
"""


@pytest.fixture
def ward(tmp_path):
    with netns.hospital() as hospital:
        inside, outside = Place(hospital.router), Place(hospital.outside)
        workstation = Place(hospital.workstation)
        with (
            echo_servers(outside, inside),
            running(
                tmp_path,
                policy=netns.POLICY + WITHOUT_OTHERS,
                host=netns.SERVER,
                collector_place=inside,
                agent_place=workstation,
            ) as (collector, agent),
        ):
            agent.watching("network", "connections")
            yield hospital, collector
        for place in (inside, outside, workstation):
            place.close()


def facts(collector, kind):
    answer = collector.get("/api/v1/observations", kind=kind).json()
    return [item["fact"] for item in answer["observations"]]


def witnesses(collector):
    return facts(collector, "intranet_witness")


def router_mac(hospital):
    told = hospital.run(hospital.router, "cat", "/sys/class/net/wards0/address")
    return told.strip()


def test_what_was_reached_with_the_cable_pulled_is_told_on_return_with_its_true_time(ward):
    hospital, collector = ward
    [witness] = until(lambda: witnesses(collector), seconds=60, told="a witness of the intranet")
    assert {"address": netns.GATEWAY, "mac": router_mac(hospital)} in witness["gateways"]

    hospital.run(hospital.workstation, "ip", "link", "set", "intranet0", "down")
    hospital.plug_second_link()
    hospital.run(hospital.workstation, "ip", "route", "add", "default", "via", netns.SECOND_OUTSIDE)
    left = time.time()
    command = hospital.inside(
        hospital.workstation, sys.executable, "-c", ONE_CONNECTION, netns.OUTSIDE, "80"
    )
    subprocess.run(command, check=True, timeout=20)
    done = time.time()
    threading.Event().wait(2.0)  # away for a while: what is told must not be the time of the return
    assert collector.cases(rule="EXT-02") == []
    hospital.unplug_second_link()
    hospital.run(hospital.workstation, "ip", "link", "set", "intranet0", "up")
    hospital.run(hospital.workstation, "ip", "route", "add", "default", "via", netns.GATEWAY)

    case = collector.case("EXT-02", seconds=90)
    # The agent's own line to the collector goes on over the second link, and is seen, too.
    reached = facts(collector, "connection")
    [connection] = [fact for fact in reached if fact["destination"] == netns.OUTSIDE]
    assert left <= connection["first_seen_us"] / 1e6 <= connection["answered_us"] / 1e6 <= done
    happened = [datetime.fromisoformat(each["at"]).timestamp() for each in case["evidence"]]
    opened = datetime.fromisoformat(case["opened_at"]).timestamp()
    assert left <= min(happened) <= max(happened) < done + 2.0 <= opened
    assert not {"EXT-01", "EXT-03", "EXT-06", "EXT-17"} & set(collector.rules())
