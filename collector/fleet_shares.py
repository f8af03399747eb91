"""The fleet's coverage as numbers, in one sweep over its holes: 5,000 endpoints that are off every
night have 150,000 of them a month, and nobody reads them one by one.

What it says is what `collector.coverage` says of each endpoint; that stays the one place that
knows how holes of single sensors, silence and lost sequences count.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Select, or_, select, union, union_all

from collector.coverage import LOST, SILENT, Coverage, Span, fleet_coverage
from collector.judging.records import WHOLE_ENDPOINT
from collector.reports.figures import Blind
from collector.store import schema

_Hole = tuple[str, int, int, str]
"""(agent, from_us, to_us, cause) of a whole endpoint; `to_us` is 0 while it lasts."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """`shares` are each endpoint's, 0 to 1, as `Coverage.share`; `blind` has the longest cause
    first, and of holes that overlap each cause has its own.
    """

    shares: Mapping[str, float]
    blind: tuple[Blind, ...]

    @property
    def share(self) -> float:
        """The whole fleet in one number."""
        return mean(self.shares)


def watched(engine: Engine, from_us: int, to_us: int) -> Watched:
    """How much of the span the fleet was watched; endpoints enrolled after it are left out."""
    sweep = _Sweep(from_us, to_us)
    with engine.connect() as connection:
        enrolled = _enrolled(connection, to_us)
        apart = _told_one_by_one(connection, from_us, to_us) & enrolled.keys()
        for agent, holes in groupby(_whole(connection, from_us, to_us), itemgetter(0)):
            if agent in enrolled and agent not in apart:
                sweep.take(agent, holes, enrolled[agent])
    shares = {agent: sweep.share(agent, since_us) for agent, since_us in enrolled.items()}
    told_apart = fleet_coverage(engine, from_us, to_us, agents=tuple(apart)) if apart else {}
    for agent, told in told_apart.items():
        shares[agent] = told.share
        for hole in told.holes:
            if hole.sensor == WHOLE_ENDPOINT:
                sweep.blame(agent, hole.cause, hole.from_us, hole.to_us)
    return Watched(shares=shares, blind=tuple(sweep.blind()))


def mean_shares(engine: Engine, spans: Sequence[Span]) -> list[float | None]:
    """The fleet's coverage in each of these spans, which follow each other; None where no endpoint
    was enrolled by its end.
    """
    from_us, to_us = spans[0][0], spans[-1][1]
    with engine.connect() as connection:
        enrolled = _enrolled(connection, to_us)
        apart = _told_one_by_one(connection, from_us, to_us) & enrolled.keys()
        blind = [0.0] * len(spans)
        for agent, holes in groupby(_whole(connection, from_us, to_us), itemgetter(0)):
            if agent in enrolled and agent not in apart:
                _add_blind(blind, spans, holes, enrolled[agent])
    alone = [fleet_coverage(engine, *span, agents=tuple(apart)) if apart else {} for span in spans]
    return [
        _mean_of(enrolled, apart, told, lost, span)
        for told, lost, span in zip(alone, blind, spans, strict=True)
    ]


def mean(shares: Mapping[str, float]) -> float:
    """0 for no endpoints, for nothing is watched then."""
    return sum(shares.values()) / len(shares) if shares else 0.0


def _add_blind(
    blind: list[float], spans: Sequence[Span], holes: Iterable[_Hole], since_us: int
) -> None:
    """Adds the share of each span that one endpoint was blind; its holes in their order."""
    reached, last = max(spans[0][0], since_us), spans[-1][1]
    for _, begun, ended, _ in holes:
        start, end = max(begun, reached), min(ended or last, last)
        if end <= start:
            continue
        reached = end
        place = bisect_right(spans, start, key=itemgetter(0)) - 1
        while place < len(spans) and spans[place][0] < end:
            from_us, to_us = max(spans[place][0], since_us), spans[place][1]
            blind[place] += max(0, min(end, to_us) - max(start, from_us)) / (to_us - from_us)
            place += 1


def _mean_of(
    enrolled: Mapping[str, int],
    apart: set[str],
    told: Mapping[str, Coverage],
    blind: float,
    span: Span,
) -> float | None:
    here = {agent for agent, since_us in enrolled.items() if since_us < span[1]}
    if not here:
        return None
    alone = sum(told[agent].share for agent in here & apart)
    return (len(here - apart) - blind + alone) / len(here)


class _Sweep:
    def __init__(self, from_us: int, to_us: int) -> None:
        self._from_us = from_us
        self._to_us = to_us
        self._blind: dict[str, int] = {}
        self._lengths: dict[str, int] = {}
        self._whose: dict[str, set[str]] = {}

    def take(self, agent: str, holes: Iterable[_Hole], since_us: int) -> None:
        """In the order of their beginnings; what overlaps counts once."""
        blind, reached = 0, max(self._from_us, since_us)
        for _, begun, ended, cause in holes:
            end = min(ended or self._to_us, self._to_us)
            if end <= since_us:
                continue  # before it was enrolled
            if end > reached:
                blind += end - max(begun, reached)
                reached = end
            self.blame(agent, cause, begun, ended)
        self._blind[agent] = blind

    def blame(self, agent: str, cause: str, begun: int, ended: int) -> None:
        length = min(ended or self._to_us, self._to_us) - max(begun, self._from_us)
        self._lengths[cause] = self._lengths.get(cause, 0) + length
        self._whose.setdefault(cause, set()).add(agent)

    def share(self, agent: str, since_us: int) -> float:
        span = self._to_us - max(self._from_us, since_us)
        return 1.0 - self._blind.get(agent, 0) / span if span > 0 else 0.0

    def blind(self) -> Iterator[Blind]:
        for cause in sorted(self._lengths, key=lambda cause: (-self._lengths[cause], cause)):
            whose = len(self._whose[cause])
            yield Blind(cause=cause, endpoints=whose, length_us=self._lengths[cause])


def _enrolled(connection: Connection, to_us: int) -> dict[str, int]:
    lines = schema.endpoints.c
    asked = select(lines.agent, lines.enrolled_us).where(lines.enrolled_us < to_us)
    rows = connection.execute(asked).all()
    return {row.agent: row.enrolled_us for row in rows}


def _told_one_by_one(connection: Connection, from_us: int, to_us: int) -> set[str]:
    """Endpoints of which whole holes do not say all: single sensors, lost sequences, silence."""
    holes, lines = schema.coverage_holes.c, schema.endpoints.c
    asked = select(holes.agent).where(or_(holes.sensor != WHOLE_ENDPOINT, holes.cause == LOST))
    silent = select(lines.agent).where(lines.state == SILENT)
    return set(connection.execute(union(*_touching(asked, from_us, to_us), silent)).scalars())


def _whole(connection: Connection, from_us: int, to_us: int) -> Sequence[_Hole]:
    """Sorted here: in the key's order the database would read holes of all times."""
    holes = schema.coverage_holes.c
    asked = select(holes.agent, holes.from_us, holes.to_us, holes.cause)
    asked = asked.where(holes.sensor == WHOLE_ENDPOINT)
    return sorted(connection.execute(union_all(*_touching(asked, from_us, to_us))).all())


def _touching(asked: Select[Any], from_us: int, to_us: int) -> Iterator[Select[Any]]:
    """Those that last, and those that ended within or after the span: each from its index."""
    holes = schema.coverage_holes.c
    for ends in (holes.to_us == 0, holes.to_us > from_us):
        yield asked.where(holes.from_us < to_us, ends)
