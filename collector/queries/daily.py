"""What the days opened and closed, out of the counts that the judge keeps."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Engine, func, select

from collector.store import schema


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    """`day` is ISO 8601, on the hospital's calendar."""

    day: str
    opened: int = 0
    closed: int = 0


class RuleCount(msgspec.Struct, frozen=True, kw_only=True):
    rule: str
    opened: int


def day_counts(engine: Engine, days: Sequence[str]) -> list[DayCount]:
    """One for each of these days, which follow each other; nothing happened is 0."""
    counts = schema.daily_counts.c
    sums = (func.sum(counts.opened), func.sum(counts.closed))
    asked = (
        select(counts.day, *sums).where(counts.day.between(days[0], days[-1])).group_by(counts.day)
    )
    with engine.connect() as connection:
        found: Mapping[str, DayCount] = {
            day: DayCount(day=day, opened=int(opened), closed=int(closed))
            for day, opened, closed in connection.execute(asked)
        }
    return [found.get(day, DayCount(day=day)) for day in days]


def top_rules(engine: Engine, days: Sequence[str], *, limit: int) -> list[RuleCount]:
    """The rules that opened most cases in these days, most first."""
    counts = schema.daily_counts.c
    opened = func.sum(counts.opened)
    asked = (
        select(counts.rule, opened)
        .where(counts.day.between(days[0], days[-1]))
        .group_by(counts.rule)
        .having(opened > 0)
        .order_by(opened.desc(), counts.rule)
        .limit(limit)
    )
    with engine.connect() as connection:
        return [RuleCount(rule=rule, opened=int(n)) for rule, n in connection.execute(asked)]
