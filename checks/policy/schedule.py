"""Times of the week: `mon-fri 08:00-18:00`, `sat,sun 09:00-12:00`, `22:00-06:00`.

Days and hours are those of the hospital's own clock on the wall.  Where no day is named,
it is every day; where no hours are, it is the whole day.  Hours that end before they begin
go on over midnight and belong to the day on which they began.
"""

import functools
import re
from datetime import datetime

import msgspec

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOUR = 60
_DAY = 24 * _HOUR
"""Minutes."""
_TIME = r"(\d{1,2}):(\d{2})"
_HOURS = re.compile(rf"{_TIME}-{_TIME}")
_HINT = "write it like mon-fri 08:00-18:00"


class WeeklyTime(msgspec.Struct, frozen=True, kw_only=True):
    """`days` count from Monday, 0; minutes of the day from midnight, the end excluded."""

    days: frozenset[int]
    begins: int
    ends: int

    def holds(self, local: datetime) -> bool:
        minute, day = local.hour * _HOUR + local.minute, local.weekday()
        if self.begins < self.ends:
            return day in self.days and self.begins <= minute < self.ends
        began_today = day in self.days and minute >= self.begins
        began_yesterday = (day - 1) % len(DAYS) in self.days and minute < self.ends
        return began_today or began_yesterday


@functools.lru_cache(maxsize=1024)
def weekly_time(text: str) -> WeeklyTime:
    """Raises ValueError, with how it is written."""
    *days, hours = text.lower().split() or [""]
    if not days and not _HOURS.fullmatch(hours):
        days, hours = [hours], "00:00-24:00"
    begins, ends = _hours(hours, text)
    named = _days(",".join(days), text) if days else frozenset(range(len(DAYS)))
    return WeeklyTime(days=named, begins=begins, ends=ends)


def _hours(hours: str, text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(hours)
    if found is None:
        raise _unreadable(text)
    begins = int(found[1]) * _HOUR + int(found[2])
    ends = int(found[3]) * _HOUR + int(found[4])
    minutes_fit = int(found[2]) < _HOUR and int(found[4]) < _HOUR
    if not minutes_fit or begins >= _DAY or ends > _DAY or begins == ends:
        raise _unreadable(text)
    return begins, ends


def _days(named: str, text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in filter(None, named.split(",")):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise _unreadable(text)
        begin, end = DAYS.index(first), DAYS.index(last or first)
        days.update((begin + n) % len(DAYS) for n in range((end - begin) % len(DAYS) + 1))
    return frozenset(days)


def _unreadable(text: str) -> ValueError:
    return ValueError(f"{text[:40]!r} is no time of the week; {_HINT}")
