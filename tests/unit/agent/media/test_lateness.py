import pytest

from agent.media.lateness import Lateness
from agent.media.watched import MountedAt
from checks.facts.media import Partition
from checks.policy import parse_policy
from tests.samples import STICK

GB = 1_000_000_000
WHERE = MountedAt(
    number=7,
    disk="/devices/sdb",
    medium=STICK,
    partition=Partition(device="/dev/sdb1", size=GB),
    mount_point="/media/a",
)


def late(lateness, now):
    return [(one.what, one.allowed, one.used) for one in lateness.overdue(now)]


@pytest.fixture
def lateness():
    lateness = Lateness(parse_policy(""))
    lateness.mounted(WHERE, 100.0)
    return lateness


def test_a_scan_that_does_not_start_is_told_once(lateness):
    assert lateness.deadline() == 130.0
    assert late(lateness, 129.9) == []
    assert late(lateness, 130.0) == [("not_started", 30, 0)]
    assert late(lateness, 999.0) == []
    assert lateness.deadline() is None


@pytest.mark.parametrize(
    ("used", "seconds"), [(0, 60), (2 * GB, 100), (87 * GB, 1800), (4000 * GB, 1800)]
)
def test_the_end_is_awaited_by_what_lies_on_the_medium_up_to_a_limit(lateness, used, seconds):
    lateness.began(WHERE.number, used, 101.0)

    assert lateness.deadline() == 100.0 + seconds
    assert late(lateness, 100.0 + seconds) == [("not_finished", seconds, used)]


def test_a_late_start_does_not_hide_a_late_end(lateness):
    assert late(lateness, 131.0) == [("not_started", 30, 0)]
    lateness.began(WHERE.number, 0, 200.0)

    assert late(lateness, 200.0) == [("not_finished", 60, 0)]


def test_a_scan_that_is_tried_again_has_no_more_time(lateness):
    lateness.began(WHERE.number, 0, 101.0)
    lateness.began(WHERE.number, 9 * GB, 150.0)

    assert lateness.deadline() == 160.0


def test_what_ended_is_not_awaited(lateness):
    lateness.over(WHERE.number)
    lateness.began(WHERE.number, 0, 101.0)

    assert lateness.deadline() is None


def test_a_changed_policy_holds_for_what_is_mounted_next(lateness):
    lateness.follow(parse_policy('[thresholds]\nscan_starts_within = "5s"'))
    lateness.mounted(WHERE, 200.0)

    assert lateness.deadline() == 205.0
