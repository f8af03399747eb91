"""Days and moments as people write them: `2027-06-30`, `2027-06-30T18:00`.

A day lasts from its first to its last microsecond in the hospital's time zone; a moment is
the hospital's, too, unless it names its own offset (`2027-06-30T18:00+08:00`, RFC 3339).
"""

import functools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ALWAYS_US = 0
NEVER_US = 253_402_300_800_000_000
"""10000-01-01 UTC: later than any moment that can be written."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REMEMBERED = 2048


@functools.lru_cache(maxsize=_REMEMBERED)
def begins_us(text: str, timezone: str) -> int:
    """The first microsecond since the epoch; what is empty begins always.

    Raises:
        ValueError: neither a date nor a moment.
    """
    if not text:
        return ALWAYS_US
    return microseconds(_first(text, ZoneInfo(timezone)))


@functools.lru_cache(maxsize=_REMEMBERED)
def ends_us(text: str, timezone: str) -> int:
    """The last microsecond since the epoch; what is empty never ends.

    Raises:
        ValueError: neither a date nor a moment.
    """
    if not text:
        return NEVER_US
    return microseconds(last_moment(text, ZoneInfo(timezone)))


def last_moment(text: str, zone: ZoneInfo) -> datetime:
    """Raises ValueError."""
    first = _first(text, zone)
    if not is_day(text) or first.date() == date.max:
        return first
    next_day = datetime.combine(first.date() + timedelta(days=1), time(), zone)
    return next_day - _MICROSECOND


def is_day(text: str) -> bool:
    """Whether it names a whole day."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def microseconds(moment: datetime) -> int:
    """Since the epoch, exactly; raises ValueError at the ends of the calendar."""
    try:
        return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND
    except OverflowError as beyond:
        raise ValueError(f"{moment.isoformat()} is beyond the calendar") from beyond


def _first(text: str, zone: ZoneInfo) -> datetime:
    try:
        written = datetime.fromisoformat(text)
    except ValueError as unreadable:
        raise ValueError(
            f"{text[:40]!r} is no day or moment; write it like 2027-06-30 or 2027-06-30T18:00"
        ) from unreadable
    return written if written.tzinfo else written.replace(tzinfo=zone)
