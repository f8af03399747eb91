from collector.dashboard.ribbon import NARROWEST, WIDTH, ribbon
from collector.judging.records import Hole


def hole(start: int, end: int, sensor: str = "*") -> Hole:
    return Hole(agent="a", sensor=sensor, from_us=start, to_us=end, cause="off")


def test_a_day_without_holes_is_one_empty_band():
    (band,) = ribbon([], 0, 1_000)

    assert band.marks == ()


def test_a_hole_is_cut_to_the_day_and_one_that_lasts_reaches_its_end():
    (band,) = ribbon([hole(-500, 100), hole(900, 0)], 0, 1_000)

    assert [(mark.x, mark.width) for mark in band.marks] == [(0, 100), (900, 100)]


def test_a_hole_of_a_moment_is_still_seen_inside_the_band():
    (band,) = ribbon([hole(999_999, 1_000_000)], 0, 1_000_000)

    assert (band.marks[0].x, band.marks[0].width) == (WIDTH - NARROWEST, NARROWEST)


def test_a_sensor_with_a_hole_has_its_own_band():
    bands = ribbon([hole(0, 10, "media")], 0, 1_000)

    assert [band.sensor for band in bands] == ["*", "media"]
