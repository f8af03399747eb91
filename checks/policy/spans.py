"""Durations as people write them in a policy, and clocks that run out."""

import re
from datetime import datetime, timedelta

from checks.policy.error import PolicyError

_SPAN = re.compile(r"([0-9]{1,9})(s|m|h|d|wd)")
LONGEST = timedelta(days=3660)
"""Ten years: what a clock adds to a moment stays in the calendar."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "wd": "days"}


def span(text: str) -> timedelta:
    """`90s`, `5m`, `4h`, `2d` as a span; working days count as days here.

    Raises:
        PolicyError: for anything else.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise PolicyError(f"{text[:40]!r} is no duration; write it like 90s, 5m, 4h, 2d or 3wd")
    length = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if not timedelta(0) < length <= LONGEST:
        raise PolicyError(f"{text!r} is not between 1s and {LONGEST.days}d")
    return length


def deadline(start: datetime, clock: str) -> datetime | None:
    """When a clock that starts then runs out; None for a clock that does not run.

    Working days are Monday to Friday in `start`'s own zone, and end at the same time
    of day.
    """
    if not clock:
        return None
    if not clock.endswith("wd"):
        return start + span(clock)
    left = span(clock).days
    end = start
    while left:
        end += timedelta(days=1)
        left -= end.weekday() < 5
    return end
