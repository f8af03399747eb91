"""What was observed, and the media that were seen."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Engine, Row, select

from checks.facts.media import (
    Medium,
    MediumAccessed,
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumScanned,
    MediumUnmounted,
)
from checks.wire import Malformed, decode_fact
from collector.queries.rows import value_of
from collector.store import schema

MediumFact = (
    MediumAttached
    | MediumDetached
    | MediumMounted
    | MediumUnmounted
    | MediumAccessed
    | MediumScanned
)
MEDIUM_ROWS = 5_000
"""The newest facts about media that are gathered into a list of media."""


class ObservationRow(msgspec.Struct, frozen=True, kw_only=True):
    """One observation; `fact` is its JSON as the agent said it."""

    id: int
    agent: str
    sequence: int
    at_us: int
    received_us: int
    kind: str
    sensor: str
    boot: str
    fact: str


class ObservationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What is empty does not narrow; `since_us` compares when it happened."""

    agent: str = ""
    kind: str = ""
    since_us: int = 0


class MediumSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The last that is known of a medium: where it was, and how its last scan ended
    (`scan` empty when none was heard of).
    """

    medium: Medium
    agent: str
    first_seen_us: int
    last_seen_us: int
    last_kind: str
    scan: str = ""
    scanned_us: int = 0
    mounted: bool = False


def observations(
    engine: Engine, wanted: ObservationFilter, *, limit: int, before: int = 0
) -> list[ObservationRow]:
    """Newest first as they were received; those before an id are older."""
    seen = schema.observations.c
    asked = select(schema.observations).order_by(seen.id.desc()).limit(limit)
    if wanted.agent:
        asked = asked.where(seen.agent == wanted.agent)
    if wanted.kind:
        asked = asked.where(seen.kind == wanted.kind)
    if wanted.since_us:
        asked = asked.where(seen.at_us >= wanted.since_us)
    if before:
        asked = asked.where(seen.id < before)
    with engine.connect() as connection:
        rows = connection.execute(asked).mappings()
        return [value_of(row, ObservationRow) for row in rows]


def media(engine: Engine, *, agent: str = "") -> list[MediumSeen]:
    """Each medium once, by its key, the last seen first; out of the newest facts only."""
    known: dict[str, MediumSeen] = {}
    for row, fact in media_facts(engine, agent=agent):
        known[fact.medium.key] = _joined(known.get(fact.medium.key), row, fact)
    return sorted(known.values(), key=lambda medium: -medium.last_seen_us)


def media_facts(
    engine: Engine, *, agent: str = ""
) -> Iterator[tuple[Row[*tuple[Any, ...]], MediumFact]]:
    """The newest facts about media in the order of their receipt, each with `agent`, `at_us`
    and `kind`; of one endpoint or of all.
    """
    seen = schema.observations.c
    asked = (
        select(seen.agent, seen.at_us, seen.kind, seen.fact)
        .where(schema.ABOUT_MEDIA)
        .order_by(seen.id.desc())
        .limit(MEDIUM_ROWS)
    )
    if agent:
        asked = asked.where(seen.agent == agent)
    with engine.connect() as connection:
        rows = connection.execute(asked).all()
    yield from _about_media(rows[::-1])


def _about_media(
    rows: Iterable[Row[*tuple[Any, ...]]],
) -> Iterator[tuple[Row[*tuple[Any, ...]], MediumFact]]:
    for row in rows:
        try:
            fact = decode_fact(row.fact.encode("utf-8"))
        except Malformed:
            continue  # of another version: it is counted where it was judged
        if isinstance(fact, MediumFact):
            yield row, fact


def _joined(before: MediumSeen | None, row: Row[*tuple[Any, ...]], fact: MediumFact) -> MediumSeen:
    scanned = isinstance(fact, MediumScanned)
    gone = isinstance(fact, MediumDetached | MediumUnmounted)
    return MediumSeen(
        medium=fact.medium,
        agent=row.agent,
        first_seen_us=before.first_seen_us if before else row.at_us,
        last_seen_us=row.at_us,
        last_kind=row.kind,
        scan=fact.verdict if isinstance(fact, MediumScanned) else before.scan if before else "",
        scanned_us=row.at_us if scanned else before.scanned_us if before else 0,
        mounted=not gone
        and (isinstance(fact, MediumMounted) or (before is not None and before.mounted)),
    )
