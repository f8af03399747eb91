"""The day's unanswered attempts summed up in one line: pure.

Software on an isolated network tries all day.  Nobody is mailed about an attempt; the day
ends in one line that says how many there were, from where, and to what.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from checks.wording import address_and_port
from collector.clocks import local_time, microseconds
from collector.entries import AttemptsOfDay, Tried

MOST_NAMED = 3
DAYS_BACK = 7
"""A collector that was off for longer does not tell of the days before."""


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint tried, as its findings say; `destination` with its port."""

    agent: str
    destination: str
    process: str
    count: int


def summed(day: date, tried: Iterable[Attempted]) -> AttemptsOfDay:
    """What is tried most: by the number of attempts, then by name."""
    by_what: Counter[tuple[str, str]] = Counter()
    agents: set[str] = set()
    for each in tried:
        by_what[each.destination, each.process] += each.count
        agents.add(each.agent)
    most = sorted(by_what.items(), key=lambda item: (-item[1], item[0]))[:MOST_NAMED]
    return AttemptsOfDay(
        day=day.isoformat(),
        attempts=by_what.total(),
        endpoints=len(agents),
        destinations=len({address_and_port(destination)[0] for destination, _ in by_what}),
        most=tuple(
            Tried(destination=destination, process=process, attempts=count)
            for (destination, process), count in most
        ),
    )


def ended_days(now_us: int, timezone: str, digest_at: time) -> Iterator[date]:
    """Days whose digest is due by now, the newest first."""
    now = local_time(now_us, timezone)
    newest = now.date() - timedelta(days=1 if now.time() >= digest_at else 2)
    for back in range(DAYS_BACK):
        yield newest - timedelta(days=back)


def span_of(day: date, timezone: str) -> tuple[int, int]:
    """From the day's first moment to the next day's, microseconds since the epoch; a day
    on which clocks are changed has 23 or 25 hours.
    """
    zone = ZoneInfo(timezone)
    begin, end = (
        datetime.combine(each, time(), zone).astimezone(UTC)
        for each in (day, day + timedelta(days=1))
    )
    return microseconds(begin), microseconds(end)
