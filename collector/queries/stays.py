"""Media at one endpoint: each stay from when it was plugged in until it was taken out."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Engine

from checks.facts.media import Medium, MediumDetached, MediumScanned
from collector.queries.observations import MediumFact, media_facts


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """Times are the endpoint's own; `until_us` is 0 while nobody told that it was taken out.
    `scan` is how the last scan of this stay ended, empty where none was heard of.
    """

    medium: Medium
    since_us: int
    until_us: int = 0
    scan: str = ""


def stays(engine: Engine, agent: str, *, limit: int) -> list[Stay]:
    """The newest first; out of the newest facts only."""
    facts = media_facts(engine, agent=agent)
    found = stays_of((row.at_us, fact) for row, fact in facts)
    return sorted(found, key=lambda stay: -stay.since_us)[:limit]


def stays_of(facts: Iterable[tuple[int, MediumFact]]) -> list[Stay]:
    """Out of facts in their order, each with its moment.  A stay whose beginning is not told
    begins with the first that is.
    """
    lasting: dict[str, Stay] = {}
    ended: list[Stay] = []
    for at_us, fact in facts:
        stay = lasting.get(fact.medium.key) or Stay(medium=fact.medium, since_us=at_us)
        if isinstance(fact, MediumScanned):
            stay = msgspec.structs.replace(stay, scan=fact.verdict)
        if isinstance(fact, MediumDetached):
            lasting.pop(fact.medium.key, None)
            ended.append(msgspec.structs.replace(stay, until_us=at_us))
        else:
            lasting[fact.medium.key] = stay
    return [*ended, *lasting.values()]
