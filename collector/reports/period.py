"""The days that a report is about, on the hospital's calendar."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from collector.clocks import local_time, microseconds

PERIOD_WRONG = (
    "{period} is no period; write 2026-11-23, 2026-W48, 2026-11, 2026 or 2026-11-01..2026-11-15"
)
PERIOD_TOO_LONG = "{period} is longer than {limit} days"
DAYS_MOST = 1100
_DAY = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_SPAN = re.compile(rf"{_DAY}\.\.{_DAY}")
_WEEK = re.compile(r"[0-9]{4}-W[0-9]{2}")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_YEAR = re.compile(r"[0-9]{4}")
_ONE_DAY = timedelta(days=1)


class PeriodWrong(ValueError):
    """No days are meant; `message` is a catalogue id and `params` what fills it."""

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message.format(**params))
        self.message = message
        self.params = params


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """From `first` to `last`, both included.  `name` is how it is written, `from_us` and `to_us`
    (excluded) its bounds in microseconds since the epoch.
    """

    name: str
    first: date
    last: date
    from_us: int
    to_us: int


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A period that people ask for by a word: `yesterday`, `last_week`, `last_month` …"""

    word: str
    period: Period


def period_of(name: str, timezone: str) -> Period:
    """`2026-11-23`, `2026-W48` (ISO 8601, from Monday), `2026-11`, `2026`, or two days with `..`
    between them.

    Raises:
        PeriodWrong.
    """
    try:
        first, last = _days(name)
        bounds = [_midnight(day, timezone) for day in (first, last + _ONE_DAY)]
    except (ValueError, OverflowError) as wrong:
        raise PeriodWrong(PERIOD_WRONG, period=name[:40]) from wrong
    if last < first:
        raise PeriodWrong(PERIOD_WRONG, period=name)
    if (last - first).days >= DAYS_MOST:
        raise PeriodWrong(PERIOD_TOO_LONG, period=name, limit=str(DAYS_MOST))
    return Period(name=name, first=first, last=last, from_us=bounds[0], to_us=bounds[1])


def choices(now_us: int, timezone: str) -> Iterator[Choice]:
    """Those that are over by now, then this month."""
    today = local_time(now_us, timezone).date()
    monday = today - timedelta(days=today.weekday() + 7)
    year, week, _ = monday.isocalendar()
    for word, name in (
        ("yesterday", f"{today - _ONE_DAY}"),
        ("last_week", f"{year}-W{week:02}"),
        ("last_month", _month(today.replace(day=1) - _ONE_DAY)),
        ("this_month", _month(today)),
    ):
        yield Choice(word=word, period=period_of(name, timezone))


def last_month(now_us: int, timezone: str) -> Period:
    return next(each.period for each in choices(now_us, timezone) if each.word == "last_month")


def _days(name: str) -> tuple[date, date]:
    """Raises ValueError."""
    if span := _SPAN.fullmatch(name):
        return date.fromisoformat(span[1]), date.fromisoformat(span[2])
    if _WEEK.fullmatch(name):
        monday = datetime.strptime(f"{name}-1", "%G-W%V-%u").date()  # noqa: DTZ007 - a day
        return monday, monday + timedelta(days=6)
    if month := _MONTH.fullmatch(name):
        first = date(int(month[1]), int(month[2]), 1)
        return first, (first + timedelta(days=31)).replace(day=1) - _ONE_DAY
    if _YEAR.fullmatch(name):
        return date(int(name), 1, 1), date(int(name), 12, 31)
    day = date.fromisoformat(name)
    if f"{day}" != name:  # ISO 8601 knows further ways to write one
        raise ValueError(name)
    return day, day


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _midnight(day: date, timezone: str) -> int:
    return microseconds(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone)))
