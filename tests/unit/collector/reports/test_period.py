"""Which days are meant, on the hospital's calendar."""

from datetime import UTC, date, datetime

import pytest

from collector.clocks import microseconds
from collector.reports.period import PeriodWrong, choices, last_month, period_of

SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2026-11-23", date(2026, 11, 23), date(2026, 11, 23)),
        ("2026-W48", date(2026, 11, 23), date(2026, 11, 29)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-10-29..2026-11-02", date(2026, 10, 29), date(2026, 11, 2)),
    ],
)
def test_days_weeks_months_years_and_spans(name, first, last):
    period = period_of(name, SHANGHAI)

    assert (period.name, period.first, period.last) == (name, first, last)


def test_its_days_are_the_hospitals_from_midnight_to_midnight():
    period = period_of("2026-11-23", SHANGHAI)

    assert period.from_us == microseconds(datetime(2026, 11, 22, 16, tzinfo=UTC))
    assert period.to_us == microseconds(datetime(2026, 11, 23, 16, tzinfo=UTC))


def test_a_day_on_which_the_clock_changes_has_another_length():
    period = period_of("2026-10-25", "Europe/Berlin")

    assert (period.to_us - period.from_us) == 25 * 3600 * 1_000_000


@pytest.mark.parametrize(
    "name",
    ["", "2026-13", "2026-02-30", "2026-W54", "2026-11-23..", "2026-11-23..2026-11-22", "20261123",
     "yesterday", "0000", "9999", "2026-11-23..9999-12-31", "../../etc/passwd", "2026-١١"],
)  # fmt: skip
def test_what_is_no_period_is_refused_with_what_can_be_written(name):
    with pytest.raises(PeriodWrong, match=r"2026-W48|longer"):
        period_of(name, SHANGHAI)


def test_a_span_of_ages_is_refused():
    with pytest.raises(PeriodWrong, match="longer than 1100 days"):
        period_of("2020-01-01..2026-11-23", SHANGHAI)


def test_the_words_people_use_follow_the_hospitals_own_day():
    late = microseconds(datetime(2026, 12, 31, 17, tzinfo=UTC))  # 01:00 of the new year there

    told = {each.word: each.period.name for each in choices(late, SHANGHAI)}

    assert told == {
        "yesterday": "2026-12-31",
        "last_week": "2026-W52",
        "last_month": "2026-12",
        "this_month": "2027-01",
    }
    assert last_month(late, SHANGHAI).name == "2026-12"
