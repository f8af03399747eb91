"""The memory of keyboards, with a real folder and recorded devices."""

import pytest

from agent.sensors.keyboards import MEMORY, KeyboardSensor
from checks.facts.health import SensorGap
from checks.facts.keyboards import KeyboardAppeared
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.recorded_devices import devices_in, recording
from tests.udev_recordings import RecordedDevices

DOCUMENT = PolicyDocument(issued_at_us=0, policy=parse_policy(""), endpoint=Endpoint(id="e"))
LOGITECH = devices_in(recording("keyboard_logitech"))
STRANGE = devices_in(recording("bad_stick_with_keyboard"))


@pytest.fixture
def present():
    return RecordedDevices(LOGITECH)


def started(devices, state):
    sensor = KeyboardSensor(devices, state)
    sensor.start(DOCUMENT)
    return sensor, list(sensor.heal())


def plug(devices, recorded):
    for device in recorded:
        devices.happens("add", device)


def test_the_first_start_only_takes_note(present, tmp_path):
    sensor, facts = started(present, tmp_path)
    sensor.stop()

    assert facts == []
    assert b"046d:c31c" in (tmp_path / MEMORY).read_bytes()


def test_a_keyboard_that_comes_later_is_told_once(present, tmp_path):
    sensor, _ = started(present, tmp_path)
    plug(present, STRANGE)

    told = [*sensor.wake(), *sensor.heal()]
    sensor.stop()

    assert told == [KeyboardAppeared(device="0951:1666:BAD1", name="Kingston Keyboard")]


def test_after_a_restart_only_what_came_meanwhile_is_new(present, tmp_path):
    sensor, _ = started(present, tmp_path)
    sensor.stop()
    plug(present, STRANGE)

    again, told = started(present, tmp_path)
    list(again.heal())
    again.stop()
    last, nothing = started(present, tmp_path)
    last.stop()

    assert [fact.device for fact in told] == ["0951:1666:BAD1"]
    assert nothing == []


def test_a_machine_without_a_keyboard_takes_note_of_that(tmp_path):
    devices = RecordedDevices()
    sensor, _ = started(devices, tmp_path)
    sensor.stop()
    plug(devices, LOGITECH)

    again, told = started(devices, tmp_path)
    again.stop()

    assert [fact.device for fact in told] == ["046d:c31c"]


def test_an_unreadable_memory_is_a_gap_and_begins_anew(present, tmp_path):
    (tmp_path / MEMORY).write_bytes(b"{torn")

    sensor, facts = started(present, tmp_path)
    sensor.stop()

    assert [type(fact) for fact in facts] == [SensorGap]
    assert (tmp_path / f"{MEMORY}.broken").exists()
