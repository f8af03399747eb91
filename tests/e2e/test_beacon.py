"""The whole story of the witness outside: a second uplink, the agent's question over it and
nowhere else, the beacon's receipt, the case.
"""

import subprocess
import sys

import pytest

from tests import netns
from tests.support.live import ROOT, WITHOUT_OTHERS, Place, running, until

pytestmark = pytest.mark.skipif(bool(netns.missing()), reason=netns.missing() or "can run")

PORT = 8080
COLLECTOR = (sys.executable, "-m", "collector")


def command(*words: str) -> str:
    done = subprocess.run(
        [*COLLECTOR, *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


@pytest.fixture
def ward(tmp_path):
    key, receipts = tmp_path / "beacon.key", tmp_path / "receipts.jsonl"
    own = command("beacon", "init", str(key))
    beacon = f'\n[beacon]\nurl = "http://{netns.OUTSIDE}:{PORT}"\npublic_key = "{own}"\n'
    with netns.hospital() as hospital:
        inside, workstation = Place(hospital.router), Place(hospital.workstation)
        with running(
            tmp_path,
            policy=netns.POLICY + WITHOUT_OTHERS + beacon,
            host=netns.SERVER,
            collector_place=inside,
            agent_place=workstation,
        ) as (collector, agent):
            agent.watching("network", "connections", "beacon")
            listening = subprocess.Popen(
                hospital.inside(
                    hospital.outside, *COLLECTOR, "beacon", "--listen", f"0.0.0.0:{PORT}",
                    "--key", str(key), "--receipts", str(receipts),
                    "--hospital-key", collector.run("beacon", "hospital-key").strip(),
                ),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )  # fmt: skip
            assert listening.stdout is not None
            assert listening.stdout.readline() == f"listening on port {PORT}\n"
            try:
                yield hospital, collector, receipts
            finally:
                listening.terminate()
                assert listening.wait(10) == 0
                listening.stdout.close()
        for place in (inside, workstation):
            place.close()


def test_a_second_uplink_is_confirmed_by_the_beacon_and_the_question_itself_is_no_violation(ward):
    hospital, collector, receipts = ward
    assert not receipts.exists()  # nothing was asked over the intranet

    hospital.plug_second_link()
    hospital.run(
        hospital.workstation, "ip", "route", "add", "default", "via", netns.SECOND_OUTSIDE,
        "metric", "500",
    )  # fmt: skip

    case = collector.case("EXT-01", seconds=30)
    [evidence] = case["evidence"]
    assert evidence["fact"]["kind"] == "beacon_answered"
    assert evidence["fact"]["egress"]["interface"] == netns.SECOND_LINK
    assert evidence["fact"]["seen_from"] == netns.SECOND_WORKSTATION
    assert len(receipts.read_text().splitlines()) == 1
    until(lambda: "EXT-03" in collector.rules(), told="the path itself is EXT-03")
    assert not {"EXT-02", "EXT-06", "EXT-17"} & set(collector.rules())
