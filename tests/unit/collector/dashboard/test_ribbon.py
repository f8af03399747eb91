from collector.dashboard.ribbon import NARROWEST, WIDTH, before_enrolment, ribbon
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


def test_holes_that_nobody_could_tell_apart_are_one_mark_that_counts_them():
    (band,) = ribbon([hole(0, 10), hole(10_100, 10_200)], 0, 1_000_000)

    first, second = band.marks
    assert (first.more, first.until_us) == (0, 10)
    assert second.hole.from_us == 10_100
    (near,) = ribbon([hole(0, 10), hole(1_100, 1_200), hole(1_300, 0)], 0, 1_000_000)[0].marks
    assert (near.more, near.until_us, near.width) == (2, 0, WIDTH - 1)


def test_a_mark_is_said_in_percent():
    (band,) = ribbon([hole(250, 500)], 0, 1_000)

    assert band.marks[0].percent == ("25%", "25%")


def test_what_lies_before_the_enrolment_is_no_coverage():
    (before,) = before_enrolment("a", 700, 100)

    assert (before.cause, before.from_us, before.to_us) == ("not_enrolled", 100, 700)
    assert before_enrolment("a", 100, 100) == ()
