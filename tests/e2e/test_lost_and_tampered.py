"""An agent that is killed: lost while it is silent, tampered with when it comes back."""

import signal

import pytest

from tests import netns
from tests.support.live import WITHOUT_OTHERS, Agent, Place, running

pytestmark = pytest.mark.skipif(bool(netns.missing()), reason=netns.missing() or "can run")

IMPATIENT = """
[thresholds]
heartbeat = "1s"
state_beat = "2s"
silence_notice = "4s"
"""
FORGETFUL = """
cd /proc/sys/net/ipv4/neigh/wards0
echo 2000 > base_reachable_time_ms
echo 1 > delay_first_probe_time
"""
"""Otherwise the kernel asks a neighbour that it heard lately again only after 45 s (arp(7))."""


@pytest.fixture
def ward(tmp_path):
    with netns.hospital() as hospital:
        inside, workstation = Place(hospital.router), Place(hospital.workstation)
        with running(
            tmp_path,
            policy=netns.POLICY + IMPATIENT + WITHOUT_OTHERS,
            host=netns.SERVER,
            collector_place=inside,
            agent_place=workstation,
        ) as (collector, agent):
            agent.watching("network", "connections")
            yield hospital, collector, agent, inside
        for place in (inside, workstation):
            place.close()


def test_an_agent_that_is_killed_is_lost_and_its_return_is_tampering(ward):
    _, collector, agent, _ = ward

    agent.end(signal.SIGKILL)
    lost = collector.case("EXT-12")
    agent.start()
    tampered = collector.case("AUD-01")

    assert (lost["severity"], lost["endpoint"]["id"]) == ("notice", tampered["endpoint"]["id"])
    assert tampered["evidence"][0]["fact"]["previous_end"] == "killed"
    assert collector.rules() == ["AUD-01", "EXT-12"]


def test_a_neighbour_that_still_sees_the_machine_makes_it_grave(ward, tmp_path):
    hospital, collector, agent, inside = ward
    hospital.run(hospital.router, "sh", "-c", FORGETFUL)
    witness = Agent(
        tmp_path / "witness", collector, place=inside, enrol_words=["--name", "witness"]
    ).start()
    alive = hospital.start(hospital.workstation, "ping", "-q", "-i", "0.2", netns.GATEWAY)
    try:
        agent.end(signal.SIGKILL)

        case = collector.case("EXT-12", severity="high", seconds=40)
    finally:
        alive.terminate()
        alive.wait()
        witness.end()

    assert "witness" in str(case["evidence"][0]["fact"]["witnesses"])


def test_a_goodbye_is_no_loss(ward):
    _, collector, agent, _ = ward

    agent.end(signal.SIGTERM)

    collector.case("AUD-01")
    stopped = collector.get("/api/v1/endpoints").json()["endpoints"][0]
    assert stopped["state"] == "off"
    assert collector.rules() == ["AUD-01"]
