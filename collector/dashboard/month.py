"""The last 30 days as the first page draws them: two curves of counts, one of coverage."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

import msgspec
from sqlalchemy import Engine

from collector.clocks import local_time
from collector.coverage import Span
from collector.fleet_shares import mean_shares
from collector.queries.daily import DayCount, day_counts
from collector.reports.period import period_of

DAYS = 30
TODAY_KEPT_US = 10 * 60 * 1_000_000
OVER_KEPT_US = 6 * 3600 * 1_000_000
"""How long the coverage of today, and of the days that are over, is shown before it is worked out
again: it is the one figure of the page that takes long with a large fleet (3,000 endpoints that are
off every night: 3 s for all days), and what is over only changes when an endpoint tells of it late.
"""
WIDTH, HEIGHT = 300, 60
"""Of the drawings, in their own units; a day is ten wide."""
_STEP = WIDTH // DAYS


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """`share` is None as long as no endpoint was enrolled."""

    counts: DayCount
    share: float | None


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A rectangle on the drawing; `y` is its upper edge."""

    x: float
    y: float
    height: float


def days_until(now_us: int, timezone: str) -> list[str]:
    """The last DAYS days with today, ISO 8601, the oldest first."""
    today = local_time(now_us, timezone).date()
    return [f"{today - timedelta(days=back)}" for back in reversed(range(DAYS))]


class CoverageOfDays:
    """Each day's coverage, remembered; any thread may ask, and one works it out for all."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._timezone = ""
        self._over: dict[str, float | None] = {}
        self._today: float | None = None
        self._over_until_us = self._today_until_us = 0

    def shares(
        self, engine: Engine, days: Sequence[str], timezone: str, now_us: int
    ) -> list[float | None]:
        """In the order of the days, of which the last is today and counts until now."""
        with self._lock:
            if timezone != self._timezone or now_us >= self._over_until_us:
                self._timezone, self._over = timezone, {}
                self._over_until_us, self._today_until_us = now_us + OVER_KEPT_US, 0
            missing = [day for day in days[:-1] if day not in self._over]
            if missing:
                found = mean_shares(engine, _spans(missing, timezone, now_us))
                self._over |= dict(zip(missing, found, strict=True))
            if missing or self._today is None or now_us >= self._today_until_us:
                (self._today,) = mean_shares(engine, _spans(days[-1:], timezone, now_us))
                self._today_until_us = now_us + TODAY_KEPT_US
            return [*(self._over[day] for day in days[:-1]), self._today]


class Month:
    """The days with all that is drawn of them."""

    def __init__(self, counts: Sequence[DayCount], shares: Sequence[float | None]) -> None:
        self.days = [
            Day(counts=each, share=share) for each, share in zip(counts, shares, strict=True)
        ]
        self.opened = sum(each.opened for each in counts)
        self.closed = sum(each.closed for each in counts)
        self.most = max([1, *(max(each.opened, each.closed) for each in counts)])
        self.name = f"{counts[0].day}..{counts[-1].day}"

    def bars(self, what: str) -> list[Bar]:
        """Of the `opened` or the `closed` of each day, side by side."""
        beside = 1.0 if what == "opened" else 5.0
        return [
            _bar(place * _STEP + beside, getattr(day.counts, what) * HEIGHT / self.most)
            for place, day in enumerate(self.days)
        ]

    def lines(self) -> list[str]:
        """The coverage as points of polylines: one for each run of days that have any."""
        runs: list[list[str]] = [[]]
        for place, day in enumerate(self.days):
            if day.share is None:
                runs.append([])
            else:
                x, y = place * _STEP + _STEP // 2, round(1 + (HEIGHT - 2) * (1 - day.share), 1)
                runs[-1].append(f"{x},{y}")
        return [" ".join(run if len(run) > 1 else run * 2) for run in runs if run]


def month(engine: Engine, remembered: CoverageOfDays, *, timezone: str, now_us: int) -> Month:
    days = days_until(now_us, timezone)
    return Month(day_counts(engine, days), remembered.shares(engine, days, timezone, now_us))


def _bar(x: float, height: float) -> Bar:
    return Bar(x=x, y=round(HEIGHT - height, 1), height=round(height, 1))


def _spans(days: Sequence[str], timezone: str, now_us: int) -> list[Span]:
    bounds = [period_of(day, timezone) for day in days]
    return [(each.from_us, min(each.to_us, now_us)) for each in bounds]
