"""An import station as it stands in the hall: the real agent, the station's own process, real
block devices behind recorded udev data, real clamd.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import json
import os

import msgspec
import pytest

from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.recorded_udev import STICK, RecordedUdev
from tests.support.live import Place, running, until
from tests.support.station import station

WARD = msgspec.structs.replace(
    STICK, serial="WARD-1", port="2-2", uuid="7d7d7d7d-0000-4000-8000-000000000002"
)
POLICY = f"""
[hospital]
phone = "8120"

[[zones]]
name = "all of this machine's own traffic is none of this test's business"
prefixes = ["0.0.0.0/0", "::/0"]

[[media]]
number = "M-0001"
serial = "{WARD.serial}"
vendor_id = "{WARD.vendor_id}"
product_id = "{WARD.product_id}"
owner = "imaging"
"""


class Hall:
    def __init__(self, udev, agent, place, folder):
        self.udev, self.agent, self.place, self.folder = udev, agent, place, folder

    def insert(self, stick, loop, name):
        self.udev.plug(stick, node=loop.node, number=loop.number, size=loop.size)
        loop.mount(self.folder / name)

    def medium(self, stick):
        told = self.place.page()["media"]
        return next((one for one in told if stick.serial in one["name"]), {})

    def in_state(self, stick, state):
        return until(
            lambda: self.medium(stick) if self.medium(stick).get("state") == state else None,
            told=lambda: f"{state}: {self.place.page()}",
        )


@pytest.fixture
def hall(tmp_path, clamd):
    place = Place()
    with RecordedUdev() as udev:
        environment = {**udev.environment(), "WARDWATCH_SCANNER": clamd.address}
        with running(tmp_path, policy=POLICY, environment=environment) as (_, agent):
            agent.watching("media")
            own = {**os.environ, "WARDWATCH_SCANNER": clamd.address}
            with station(tmp_path / "agent" / "state", own) as shown:
                yield Hall(udev, agent, shown, tmp_path)
    place.close()


def test_a_patient_s_stick_is_checked_and_copied_to_the_ward_s(hall, loops):
    assert hall.place.page()["phone"] == "8120"
    hall.insert(STICK, loops.make("patient", {"image/1.dcm": b"picture"}), "patient")
    hall.insert(WARD, loops.make("ward"), "ward")
    patient, ward = hall.in_state(STICK, "clean"), hall.in_state(WARD, "clean")
    until(lambda: hall.medium(STICK).get("receipt"), told="the receipt was made")
    assert (patient["files"], ward["number"], ward["takes"]) == (1, "M-0001", True)

    assert hall.place.copy(ward["key"], patient["key"]) == 409
    assert hall.place.copy(patient["key"], ward["key"]) == 202

    copy = until(
        lambda: hall.place.page()["copy"] if hall.place.page()["copy"]["state"] == "done" else None,
        told=lambda: hall.place.page()["copy"],
    )
    assert copy["files"] == 1
    assert (hall.folder / "ward" / copy["folder"] / "image/1.dcm").read_bytes() == b"picture"
    status = json.loads(hall.agent.run("status", "--json"))
    assert sorted(medium["state"] for medium in status["media"]) == ["clean", "clean"]


def test_an_infected_stick_is_told_not_copied_and_gone_when_it_is_taken_out(hall, loops):
    loop = loops.make("sick", {"bad.com": eicar()})
    hall.insert(STICK, loop, "sick")
    hall.insert(WARD, loops.make("ward"), "ward")
    sick, ward = hall.in_state(STICK, "infected"), hall.in_state(WARD, "clean")

    assert sick["threats"][0].startswith("Eicar")
    assert hall.place.copy(sick["key"], ward["key"]) == 409

    loop.unmount(hall.folder / "sick")
    hall.udev.unplug(STICK, node=loop.node)
    until(lambda: not hall.medium(STICK), told="it is gone from the page")
