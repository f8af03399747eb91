"""The memory of the hardware: real folders, a planted sysfs, a clock of the test's own."""

import pytest

from agent.sensors.hardware import MEMORY, SECOND_LOOK_S, HardwareSensor
from agent.system.hardware import Hardware
from checks.facts.hardware import HardwareChanged, HardwareState
from checks.facts.health import SensorGap
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.contract.agent.system.sysfs_trees import plant

DOCUMENT = PolicyDocument(issued_at_us=0, policy=parse_policy(""), endpoint=Endpoint(id="e"))


class Machine:
    """A body with one disk; `seconds` is its monotonic clock."""

    def __init__(self, folder, state):
        self.sysfs, self.state = folder / "sys", state
        self.seconds = 0.0
        plant(self.sysfs, {"class/dmi/id/board_serial": "B1", "proc/meminfo": ""}, {})
        (self.sysfs / "block").mkdir()
        self.add_disk("vda", "D1")

    def add_disk(self, name, serial):
        where = f"devices/pci0/{name}"
        plant(self.sysfs, {f"{where}/size": "2000000", f"{where}/serial": serial}, {})
        (self.sysfs / "block" / name).symlink_to(self.sysfs / where)

    def start(self):
        """The agent starts here: a sensor, and what it told."""
        sensor = HardwareSensor(
            self.state,
            hardware=Hardware(self.sysfs, self.sysfs / "proc"),
            system_disks=frozenset,
            monotonic=lambda: self.seconds,
        )
        sensor.start(DOCUMENT)
        told = list(sensor.heal())
        return sensor, told

    def pass_by(self, sensor, seconds=SECOND_LOOK_S):
        self.seconds += seconds
        return list(sensor.wake())


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path, tmp_path / "state")


def test_the_first_start_only_takes_note(machine):
    sensor, told = machine.start()

    assert [type(fact) for fact in told] == [HardwareState]
    assert sensor.deadline() is None
    assert (machine.state / MEMORY).exists()


def test_a_disk_that_came_while_the_agent_was_away_is_told_once(machine):
    machine.start()
    machine.add_disk("vdb", "D2")

    sensor, at_once = machine.start()
    later = machine.pass_by(sensor)
    again = [*machine.pass_by(sensor), *sensor.heal()]

    assert [type(fact) for fact in at_once] == [HardwareState]
    assert [type(fact) for fact in later] == [HardwareState, HardwareChanged]
    assert later[1].changes[0].after == "D2 (1 GB)"
    assert [type(fact) for fact in again] == [HardwareState]
    assert [type(fact) for fact in machine.start()[1]] == [HardwareState]


def test_what_was_told_and_not_yet_kept_is_told_again_after_a_crash(machine):
    machine.start()
    machine.add_disk("vdb", "D2")
    sensor, _ = machine.start()
    machine.pass_by(sensor)

    restarted, _ = machine.start()

    assert HardwareChanged in {type(fact) for fact in machine.pass_by(restarted)}


def test_a_disk_of_a_slow_controller_is_no_change(machine):
    machine.start()
    (machine.sysfs / "block/vda").rename(machine.sysfs / "late")
    sensor, _ = machine.start()

    (machine.sysfs / "late").rename(machine.sysfs / "block/vda")

    assert machine.pass_by(sensor) == []


def test_an_image_in_another_body_is_told(machine, tmp_path):
    machine.start()
    other = Machine(tmp_path / "other", machine.state)
    (other.sysfs / "class/dmi/id/board_serial").write_text("B2\n")
    (other.sysfs / "devices/pci0/vda/serial").write_text("D9\n")

    sensor, _ = other.start()
    _, changed = other.pass_by(sensor)

    assert changed.another_machine
    assert changed.changes[0].before == "B1"


def test_an_unreadable_memory_is_a_gap_and_begins_anew(machine):
    machine.state.mkdir()
    (machine.state / MEMORY).write_bytes(b"{torn")

    _, told = machine.start()

    assert [type(fact) for fact in told] == [SensorGap, HardwareState]
    assert (machine.state / f"{MEMORY}.broken").exists()


def test_without_a_folder_nothing_is_kept(machine):
    machine.state = None

    machine.start()
    machine.add_disk("vdb", "D2")

    assert machine.start()[0].deadline() is None
