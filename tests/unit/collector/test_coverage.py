import pytest

from collector.coverage import coverage_of
from collector.judging.records import Hole


def hole(sensor: str, from_us: int, to_us: int, cause: str = "off") -> Hole:
    return Hole(agent="a", sensor=sensor, from_us=from_us, to_us=to_us, cause=cause)


@pytest.mark.parametrize(
    ("holes", "share"),
    [
        ([], 1.0),
        ([hole("*", 0, 50)], 0.5),
        ([hole("net", 0, 50)], 0.75),
        ([hole("net", 0, 50), hole("net", 25, 75)], 0.625),
        ([hole("*", 0, 50), hole("net", 25, 100)], 0.25),
        ([hole("net", 90, 0)], 0.95),
        ([hole("net", -500, 900)], 0.5),
        ([hole("net", 100, 200), hole("net", -50, -1)], 1.0),
        ([hole("*", -500, 0)], 0.0),
    ],
)
def test_overlapping_holes_count_once_and_are_cut_to_the_span(holes, share):
    assert coverage_of(["net", "usb"], holes, 0, 100).share == pytest.approx(share)


def test_each_sensor_has_its_own_share():
    seen = coverage_of(["net", "usb"], [hole("net", 0, 40)], 0, 100)

    assert dict(seen.sensors) == {"net": pytest.approx(0.6), "usb": 1.0}


def test_lost_sequences_that_a_full_spool_explains_are_told_once():
    explained = [hole("*", 10, 20, "lost"), hole("*", 0, 50, "spool_full")]

    seen = coverage_of(["net"], explained, 0, 100)

    assert [each.cause for each in seen.holes] == ["spool_full"]
    assert seen.share == pytest.approx(0.5)


def test_an_endpoint_that_never_told_its_sensors_is_still_judged_as_a_whole():
    assert coverage_of([], [hole("*", 0, 25)], 0, 100).share == pytest.approx(0.75)


def test_no_time_is_no_coverage():
    assert coverage_of(["net"], [], 100, 100).share == 0.0
