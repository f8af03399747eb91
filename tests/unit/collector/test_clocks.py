from datetime import datetime
from zoneinfo import ZoneInfo

from checks.policy import parse_policy
from collector.clocks import Deadlines, deadlines_of, local_time, microseconds

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shanghai(*moment: int) -> int:
    return microseconds(datetime(*moment, tzinfo=SHANGHAI))


def test_clocks_run_in_the_hospitals_working_days():
    friday = shanghai(2026, 3, 6, 16, 30)

    deadlines = deadlines_of(parse_policy(""), "EXT-01", "", friday)

    assert deadlines == Deadlines(
        acknowledge_us=shanghai(2026, 3, 6, 16, 45),
        contain_us=shanghai(2026, 3, 6, 17, 0),
        close_us=shanghai(2026, 3, 11, 16, 30),
    )


def test_a_friday_evening_in_utc_is_saturday_in_the_hospital():
    friday_evening_utc = shanghai(2026, 3, 7, 1, 0)

    assert deadlines_of(parse_policy(""), "EXT-06", "", friday_evening_utc).close_us == shanghai(
        2026, 3, 9, 1, 0
    )


def test_a_clock_that_the_policy_does_not_name_does_not_run():
    assert deadlines_of(parse_policy(""), "EXT-17", "", 1) == Deadlines()


def test_microseconds_survive_the_way_to_the_wall_and_back():
    assert microseconds(local_time(1_772_431_500_123_457, "Asia/Shanghai")) == (
        1_772_431_500_123_457
    )


def test_a_grade_may_have_clocks_of_its_own():
    day_us = 24 * 3600 * 1_000_000

    assert deadlines_of(parse_policy(""), "MED-03", "emergency", 1).acknowledge_us == 1 + day_us
    assert deadlines_of(parse_policy(""), "MED-03", "", 1).acknowledge_us == 1 + day_us // 24
