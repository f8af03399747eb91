"""A scan travels with its medium, both ends real: two agents, a collector, recorded udev data
before a real block device, real clamd.  Issue 4, line 7.
"""

import os
from contextlib import ExitStack

import pytest

from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.e2e.test_medium import POLICY, REGISTERED
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.recorded_udev import STICK, RecordedUdev
from tests.support.live import Agent, Collector, until

FILES = {f"folder{number % 3}/{number}.txt": b"%d" % number * 500 for number in range(60)}


class Machine:
    """An endpoint with udev data of its own: it sees the stick only while it is plugged in there."""

    def __init__(self, stack, folder, name, collector, scanner):
        self.collector = collector
        self.name = name
        self.point = folder / f"{name}-mnt"
        self.udev = stack.enter_context(RecordedUdev())
        environment = {
            **self.udev.environment(),
            "WARDWATCH_SCANNER": scanner,
        }
        words = ("--name", name)
        self.agent = Agent(
            folder / name, collector, environment=environment, enrol_words=words
        ).start()
        stack.callback(self.agent.end)
        self.agent.watching("media")

    def insert(self, stick):
        """Plugged and mounted; how its scan ended."""
        before = len(self.scans())
        self.udev.plug(STICK, node=stick.node, number=stick.number, size=stick.size)
        stick.mount(self.point)
        until(lambda: len(self.scans()) > before, told="a scan")
        return self.scans()[0]

    def remove(self, stick):
        stick.unmount(self.point)
        self.udev.unplug(STICK, node=stick.node)

    def scans(self):
        return [seen["fact"] for seen in observations(self.collector, "medium_scanned")]


def observations(collector, kind):
    answer = collector.get("/api/v1/observations", kind=kind)
    answer.raise_for_status()
    return answer.json()["observations"]


@pytest.fixture
def ward(tmp_path, clamd):  # noqa: F811 - the fixture
    with ExitStack() as stack:
        collector = Collector(tmp_path / "collector", policy=POLICY + REGISTERED).start()
        stack.callback(collector.end)
        yield (
            collector,
            [
                Machine(stack, tmp_path, name, collector, clamd.address)
                for name in ("ward-3", "radiology")
            ],
        )


def receipts(collector):
    return [seen["fact"]["signed"]["receipt"] for seen in observations(collector, "receipt_issued")]


@pytest.fixture
def scanned_at_a(ward, loops):  # noqa: F811 - the fixture
    """A stick that was scanned clean at A and taken out there, and its receipt."""
    collector, (a, b) = ward
    stick = loops.make("travels", FILES)
    assert a.insert(stick)["how"] == "full"
    [receipt] = until(lambda: receipts(collector), told="a receipt")
    a.remove(stick)
    return collector, a, b, stick, receipt


def test_what_was_scanned_at_one_endpoint_is_released_at_the_other_within_a_second(scanned_at_a):
    collector, _, b, stick, receipt = scanned_at_a

    scanned = b.insert(stick)

    assert (scanned["verdict"], scanned["how"]) == ("clean", "unchanged")
    assert scanned["receipt"] == receipt["id"]
    assert scanned["ended_us"] - scanned["started_us"] < 1_000_000
    assert not [rule for rule in collector.rules() if rule.startswith("MED")]


def test_a_change_on_a_foreign_machine_is_noticed_though_size_and_time_are_restored(
    scanned_at_a, tmp_path
):
    collector, a, b, stick, _ = scanned_at_a

    def forge(folder):
        file = folder / "folder0/3.txt"
        seen = file.stat()
        file.write_bytes(eicar().ljust(seen.st_size)[: seen.st_size])
        os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    elsewhere = tmp_path / "elsewhere"
    stick.mount(elsewhere)
    forge(elsewhere)
    stick.unmount(elsewhere)
    scanned = b.insert(stick)

    assert (scanned["verdict"], scanned["how"]) == ("infected", "changed")
    case = collector.case("MED-05")
    assert case["evidence"][0]["fact"]["how"] == "changed"
    assert a.name in case["message"]
    b.remove(stick)
    assert a.insert(stick)["how"] == "full"


def test_a_receipt_that_was_taken_back_means_a_full_scan(scanned_at_a):
    collector, _, b, stick, receipt = scanned_at_a
    collector.run("receipt", "revoke", "--receipt", receipt["id"], "--reason", "a bad station")

    scanned = b.insert(stick)

    assert (scanned["verdict"], scanned["how"]) == ("clean", "full")
