"""The board's file, as other programs of this machine read it."""

import pytest

from agent.media.board import BOARD_FILE, read_board
from agent.media.progress import ScansUnderWay
from agent.sensors.board import BoardSensor
from checks.facts.media import Medium, MediumAttached, MediumMounted, Partition
from checks.policy import Endpoint, PolicyDocument, parse_policy

PART = Partition(device="/dev/sdb1", size=1000, filesystem="vfat")
STICK = Medium(key="k1", kind="stick", bus="usb", device="/dev/sdb", partitions=(PART,))
DOCUMENT = PolicyDocument(issued_at_us=0, policy=parse_policy(""), endpoint=Endpoint(id="e"))


class Scene:
    def __init__(self, state) -> None:
        self.time = 100.0
        self.path = state / BOARD_FILE
        self.sensor = BoardSensor(
            state,
            ScansUnderWay(),
            standing_of=lambda _key: None,
            monotonic=lambda: self.time,
        )
        self.sensor.start(DOCUMENT)

    def hear(self, fact) -> None:
        self.sensor.hear(fact, (), 0)

    def states(self):
        """After everything that is due now."""
        due = self.sensor.deadline()
        if due is not None and due <= self.time:
            self.sensor.wake()
        return [medium.state for medium in read_board(self.path).media]


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_a_medium_that_nobody_opens_is_told_without_anything_happening(scene):
    scene.hear(MediumAttached(medium=STICK))
    assert scene.states() == ["inserted"]
    scene.time = scene.sensor.deadline()

    assert scene.time == 130.0
    assert scene.states() == ["not_opened"]
    assert scene.sensor.deadline() is None


def test_a_medium_that_is_opened_waits_for_nothing(scene):
    scene.hear(MediumAttached(medium=STICK))
    assert scene.states() == ["inserted"]
    scene.hear(MediumMounted(medium=STICK, partition=PART, mount_point="/m", read_only=False))

    assert scene.states() == ["inserted"]
    assert scene.sensor.deadline() is None
