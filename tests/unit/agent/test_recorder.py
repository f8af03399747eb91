from collections.abc import Sequence

import pytest

from agent import recorder as recorder_module
from agent.recorder import RETRY_AFTER, Recorder
from agent.records import Importance, Moment, Record
from agent.spool import SpoolFull
from checks.facts.health import SensorGap
from tests.support.spools import fact


class Store:
    """Full as long as `full` is set."""

    def __init__(self) -> None:
        self.full = False
        self.records: list[Record] = []

    def put(self, records: Sequence[Record]) -> range:
        if self.full:
            raise SpoolFull("disk full")
        self.records += records
        return range(0)


class Scene:
    def __init__(self) -> None:
        self.store = Store()
        self.time = 0.0
        self.puts = 0
        self.violations: set[str] = set()
        self.recorder = Recorder(
            self.store,
            judge=lambda fact, at_us: fact.medium.key in self.violations,
            now=lambda: Moment(int(self.time * 1e6), 0),
            monotonic=lambda: self.time,
            on_put=self.count,
        )

    def count(self) -> None:
        self.puts += 1

    def keys(self) -> list[str]:
        return [r.fact.medium.key for r in self.store.records if not isinstance(r.fact, SensorGap)]


@pytest.fixture
def scene():
    return Scene()


def test_what_one_wake_brought_is_put_at_once(scene):
    scene.recorder.record("media", [fact("a"), fact("b")])
    scene.recorder.record("network", [fact("c")])
    scene.recorder.flush()
    scene.recorder.flush()

    assert [(r.sensor, r.fact.medium.key) for r in scene.store.records] == [
        ("media", "a"),
        ("media", "b"),
        ("network", "c"),
    ]
    assert scene.puts == 1


def test_a_violation_is_worth_more_than_an_event(scene):
    scene.violations = {"bad"}
    scene.recorder.record("media", [fact("bad"), fact("good")])
    scene.recorder.flush()

    assert [r.importance for r in scene.store.records] == [Importance.VIOLATION, Importance.EVENT]


def test_a_full_disk_is_tried_again_and_nothing_is_lost(scene):
    scene.store.full = True
    scene.recorder.record("media", [fact("a")])
    scene.recorder.flush()
    assert scene.recorder.trouble == "disk full"
    assert scene.recorder.retry_at == RETRY_AFTER

    scene.store.full = False
    scene.recorder.flush()
    assert scene.keys() == []
    scene.time = RETRY_AFTER
    scene.recorder.flush()

    assert scene.keys() == ["a"]
    assert (scene.recorder.trouble, scene.recorder.retry_at) == ("", None)


def test_what_the_memory_drops_is_the_least_important_and_is_told(scene, monkeypatch):
    monkeypatch.setattr(recorder_module, "MEMORY_LIMIT", 3)
    scene.violations = {"bad"}
    scene.store.full = True
    for key in ("bad", "a", "b", "c", "d"):
        scene.recorder.record("media", [fact(key)])
    scene.store.full = False
    scene.recorder.flush()

    gap = scene.store.records[0].fact
    assert isinstance(gap, SensorGap)
    assert (gap.cause, gap.lost) == ("spool_full", 2)
    assert scene.keys() == ["bad", "c", "d"]
