"""When the quiet weekly mail is due: on the hospital's own clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from checks.policy import PolicyError, parse_policy
from collector.alerts.weekly import due_weekly, week_before
from collector.clocks import local_time, microseconds

SHANGHAI = "Asia/Shanghai"
TEXT = """
[[mail.recipients]]
address = "head@hospital.example"
[[mail.recipients]]
address = "lab@hospital.example"
departments = ["检验科"]
[[mail.recipients]]
address = "quiet@hospital.example"
weekly = false
"""


def due(*moment: int, text: str = TEXT, zone: str = SHANGHAI):
    return due_weekly(parse_policy(text), microseconds(datetime(*moment, tzinfo=ZoneInfo(zone))))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ((2026, 11, 23, 7, 59), "2026-11-16"),
        ((2026, 11, 23, 8, 0), "2026-11-23"),
        ((2026, 11, 29, 23, 59), "2026-11-23"),
        ((2026, 11, 30, 8, 1), "2026-11-30"),
    ],
)
def test_the_newest_is_due_until_the_next_is(moment, day):
    assert due(*moment).key == f"weekly:{day}"


def test_it_goes_to_those_who_get_mail_of_every_department_and_want_it():
    assert due(2026, 11, 23, 9).recipients == ("head@hospital.example",)


@pytest.mark.parametrize("text", ['[mail]\nweekly_at = ""\n' + TEXT, ""])
def test_there_may_be_none(text):
    assert due(2026, 11, 23, 9, text=text) is None


def test_its_week_ends_when_it_is_due():
    week = week_before("2026-11-23", parse_policy(TEXT))

    assert local_time(week.from_us, SHANGHAI).isoformat() == "2026-11-16T08:00:00+08:00"
    assert local_time(week.to_us, SHANGHAI).isoformat() == "2026-11-23T08:00:00+08:00"


def test_a_policy_that_wants_none_any_more_still_has_the_week_of_what_waits():
    policy = parse_policy('[mail]\nweekly_at = ""\n')

    assert week_before("2026-11-23", policy).name == "2026-11-16..2026-11-23"


@pytest.mark.parametrize("at", ["monday 08:00", "mon 8:00", "08:00", "mon 24:00"])
def test_another_way_to_write_the_moment_is_refused(at):
    with pytest.raises(PolicyError, match="weekly_at"):
        parse_policy(f'[mail]\nweekly_at = "{at}"\n')
