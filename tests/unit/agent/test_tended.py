import selectors
from datetime import timedelta

import pytest

from agent.policy_cache import built_in
from agent.records import Moment
from agent.sensors.base import SensorUnavailable
from agent.tended import FIRST_RETRY, LONGEST_RETRY, OFF_RETRY, TendedSensor
from checks.facts.health import SensorGap
from tests.support.spools import fact

DOCUMENT = built_in("agent-1")


class ScriptedSensor:
    """Each call takes the next of its script: an exception to raise, or facts."""

    name = "scripted"
    heals_every = timedelta(minutes=5)

    def __init__(self) -> None:
        self.start_script: list[Exception] = []
        self.wake_script: list[object] = []
        self.heals = 0
        self.stops = 0
        self.due: float | None = None
        self.weak = ""

    def start(self, document):
        if self.start_script:
            raise self.start_script.pop(0)
        return ()

    def wake(self):
        for step in self.wake_script:
            if isinstance(step, Exception):
                raise step
            yield step

    def heal(self):
        self.heals += 1
        return ()

    def deadline(self):
        return self.due

    def degraded(self):
        return self.weak

    def policy_changed(self, document):
        return [fact(f"policy {document.policy.version}")]

    def stop(self):
        self.stops += 1


class Scene:
    def __init__(self) -> None:
        self.time = 1.0
        self.sensor = ScriptedSensor()
        self.tended = TendedSensor(
            self.sensor,
            selector=selectors.SelectSelector(),
            now=lambda: Moment(int(self.time * 1_000_000), 0),
            monotonic=lambda: self.time,
        )

    def act(self, *, readable: bool = False):
        return list(self.tended.act(DOCUMENT, readable=readable))

    @property
    def state(self) -> str:
        return self.tended.health().state


@pytest.fixture
def scene():
    return Scene()


def test_a_started_sensor_is_healed_at_once_and_at_its_beat(scene):
    scene.act()
    scene.act()
    assert scene.sensor.heals == 1
    assert scene.tended.next_due() == 301.0

    scene.time = 301.0
    scene.act()

    assert scene.sensor.heals == 2


def test_a_sensor_is_woken_when_readable_or_when_its_deadline_has_passed(scene):
    scene.act()
    scene.sensor.wake_script = [fact("a")]
    scene.sensor.due = 5.0

    assert scene.act() == []
    assert scene.act(readable=True) == [fact("a")]
    scene.time = 5.0
    assert scene.act() == [fact("a")]


def test_a_sensor_that_may_not_look_is_off_with_its_reason_and_asked_rarely(scene):
    scene.sensor.start_script = [SensorUnavailable("needs root")]
    scene.act()

    assert (scene.state, scene.tended.health().reason) == ("off", "needs root")
    assert scene.tended.next_due() == scene.time + OFF_RETRY


@pytest.mark.parametrize("fault", [OSError("gone"), ValueError("a bug")])
def test_a_failing_sensor_is_reported_retried_and_its_gap_told(scene, fault):
    scene.act()
    scene.sensor.wake_script = [fact("seen before"), fault]

    assert scene.act(readable=True) == [fact("seen before")]
    assert scene.state == "failed"
    assert scene.tended.health().reason == f"{type(fault).__name__}: {fault}"

    scene.time += FIRST_RETRY
    (gap,) = scene.act()
    assert gap == SensorGap(
        sensor="scripted",
        cause="failed",
        from_us=1_000_000,
        to_us=2_000_000,
        detail=f"{type(fault).__name__}: {fault}",
    )
    assert scene.state == "ok"


def test_a_sensor_that_keeps_failing_is_retried_ever_more_slowly(scene):
    scene.sensor.start_script = [OSError("no")] * 12
    waits = []
    for _ in range(12):
        scene.act()
        waits.append(scene.tended.next_due() - scene.time)
        scene.time = scene.tended.next_due()

    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == LONGEST_RETRY


def test_a_sensor_that_starts_and_fails_at_once_is_not_retried_every_second(scene):
    scene.sensor.wake_script = [OSError("no")]
    waits = []
    for _ in range(4):
        scene.act()
        scene.act(readable=True)
        waits.append(scene.tended.next_due() - scene.time)
        scene.time = scene.tended.next_due()

    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_a_sensor_that_worked_for_long_begins_its_retries_anew(scene):
    scene.sensor.start_script = [OSError("no")] * 3
    for _ in range(4):
        scene.act()
        scene.time = scene.tended.next_due()
    scene.time += LONGEST_RETRY + 1
    scene.sensor.wake_script = [OSError("no")]
    scene.act(readable=True)

    assert scene.tended.next_due() - scene.time == FIRST_RETRY


def test_a_degraded_sensor_still_watches(scene):
    scene.act()
    scene.sensor.weak = "no eBPF"

    assert (scene.state, scene.tended.health().reason) == ("degraded", "no eBPF")


def test_coverage_is_the_share_of_time_watched(scene):
    scene.act()
    scene.time += 3
    scene.sensor.wake_script = [OSError("no")]
    scene.act(readable=True)
    scene.sensor.start_script = [OSError("no")]
    scene.time += 1

    assert scene.tended.coverage() == 0.75


def test_a_policy_reaches_only_a_sensor_that_runs(scene):
    assert list(scene.tended.policy_changed(DOCUMENT)) == []
    scene.act()

    assert list(scene.tended.policy_changed(DOCUMENT)) == [fact("policy 0")]


def test_a_stopped_sensor_is_released(scene):
    scene.act()
    scene.tended.stop()

    assert (scene.sensor.stops, scene.state) == (1, "off")


def test_a_name_that_is_no_utf_8_is_told_with_its_bytes_and_does_not_end_the_report(scene):
    scene.sensor.wake_script = [fact("stick \udcff"), fact("next")]
    scene.act()

    seen = scene.act(readable=True)

    assert seen == [fact(r"stick \udcff"), fact("next")]
    assert scene.state == "ok"


def test_a_reason_that_is_no_utf_8_can_be_told(scene):
    scene.sensor.start_script = [SensorUnavailable("no mount \udcff")]

    scene.act()

    assert scene.tended.health().reason == r"no mount \udcff"
