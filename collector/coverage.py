"""How much of the time an endpoint was really watched, and the cause of every hole.

"No violation" is only said together with this.  A sensor that sees less than it should
(`degraded`) still watches; one that is off, failed, asleep or was overrun does not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec
from sqlalchemy import Connection, Engine, or_, select

from checks.facts.health import AgentHealth
from checks.wire import Malformed, decode_fact
from collector.judging.records import WHOLE_ENDPOINT, Hole
from collector.store import schema

SILENT = "silent"
"""The cause of the hole that lasts since a silent endpoint was last heard.  It is not
stored: what the endpoint did meanwhile is told by its own facts when it returns."""

_EXPLAINED_BY = "spool_full"
LOST = "lost"
"""Sequences that never came; where the spool was full meanwhile, that explains them."""

Span = tuple[int, int]


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """`share` is the mean over the sensors of the watched part of the span, 0 to 1;
    `sensors` holds each one's own.  `holes` are cut to nothing: their own times stand.
    An endpoint that was not enrolled in the span yet has a share of 0 and no sensors.
    """

    share: float
    sensors: Mapping[str, float] = MappingProxyType({})
    holes: tuple[Hole, ...] = ()


def coverage(engine: Engine, agent: str, from_us: int, to_us: int) -> Coverage:
    """The coverage of one endpoint from `from_us` until `to_us`."""
    return fleet_coverage(engine, from_us, to_us, agents=(agent,)).get(agent, Coverage(share=0.0))


def fleet_coverage(
    engine: Engine, from_us: int, to_us: int, *, agents: Sequence[str] = ()
) -> Mapping[str, Coverage]:
    """The same for all endpoints, or for the named ones."""
    with engine.connect() as connection:
        watched = _watched(connection, agents)
        holes = _holes(connection, from_us, to_us, agents)
    return MappingProxyType(
        {
            agent: coverage_of(
                endpoint.sensors,
                (*holes.get(agent, ()), *endpoint.silence),
                max(from_us, endpoint.enrolled_us),
                to_us,
            )
            for agent, endpoint in watched.items()
        }
    )


def coverage_of(
    sensors: Iterable[str], holes: Sequence[Hole], from_us: int, to_us: int
) -> Coverage:
    """The coverage that these holes leave; pure."""
    touching = tuple(hole for hole in _unexplained(holes) if _within(hole, from_us, to_us))
    own: dict[str, list[Hole]] = {}
    for hole in touching:
        own.setdefault(hole.sensor, []).append(hole)
    whole = own.pop(WHOLE_ENDPOINT, [])
    known = sorted({*sensors, *own} - {WHOLE_ENDPOINT})
    if to_us <= from_us:
        return Coverage(share=0.0, holes=touching)
    of_all = _share(whole, from_us, to_us)
    shares = {
        sensor: _share([*whole, *own[sensor]], from_us, to_us) if sensor in own else of_all
        for sensor in known or [WHOLE_ENDPOINT]
    }
    return Coverage(
        share=sum(shares.values()) / len(shares),
        sensors=MappingProxyType({s: share for s, share in shares.items() if s in known}),
        holes=touching,
    )


def _share(holes: Iterable[Hole], from_us: int, to_us: int) -> float:
    """The part of the span that lies in none of these holes; they may overlap."""
    blind, reached = 0, from_us
    spans = sorted(_cut(hole, from_us, to_us) for hole in holes)
    for start, end in spans:
        blind += max(0, end - max(start, reached))
        reached = max(reached, end)
    return 1.0 - blind / (to_us - from_us)


def _unexplained(holes: Sequence[Hole]) -> Iterator[Hole]:
    """All but lost sequences that a full spool accounts for."""
    explained = [hole for hole in holes if hole.cause == _EXPLAINED_BY]
    for hole in holes:
        inside = any(e.from_us <= hole.from_us and hole.to_us <= e.to_us for e in explained)
        if hole.cause != LOST or not inside:
            yield hole


def _within(hole: Hole, from_us: int, to_us: int) -> bool:
    return hole.from_us < to_us and (not hole.to_us or hole.to_us > from_us)


def _cut(hole: Hole, from_us: int, to_us: int) -> Span:
    return max(hole.from_us, from_us), min(hole.to_us or to_us, to_us)


# ---------------------------------------------------------------- reading the store


class _Watched(msgspec.Struct, frozen=True, kw_only=True):
    sensors: tuple[str, ...]
    enrolled_us: int
    silence: tuple[Hole, ...]


def _watched(connection: Connection, agents: Sequence[str]) -> Mapping[str, _Watched]:
    endpoints, latest = schema.endpoints, schema.latest
    wanted = select(endpoints.c.agent, endpoints.c.enrolled_us, endpoints.c.state)
    wanted = wanted.add_columns(endpoints.c.last_at_us, latest.c.fact).select_from(
        endpoints.outerjoin(
            latest,
            (latest.c.agent == endpoints.c.agent)
            & (latest.c.kind == AgentHealth.__struct_config__.tag),
        )
    )
    if agents:
        wanted = wanted.where(endpoints.c.agent.in_(agents))
    return {
        row.agent: _Watched(
            sensors=_sensors(row.fact),
            enrolled_us=row.enrolled_us,
            silence=_silence(row.agent, row.last_at_us) if row.state == SILENT else (),
        )
        for row in connection.execute(wanted)
    }


def _holes(
    connection: Connection, from_us: int, to_us: int, agents: Sequence[str]
) -> Mapping[str, Sequence[Hole]]:
    table = schema.coverage_holes
    touching = (table.c.from_us < to_us) & or_(table.c.to_us == 0, table.c.to_us > from_us)
    columns = [table.c[name] for name in Hole.__struct_fields__]
    wanted = select(*columns).where(touching).order_by(table.c.from_us)
    if agents:
        wanted = wanted.where(table.c.agent.in_(agents))
    found: dict[str, list[Hole]] = {}
    for agent, sensor, begun, ended, cause, lost, detail in connection.execute(wanted).all():
        hole = Hole(
            agent=agent,
            sensor=sensor,
            from_us=begun,
            to_us=ended,
            cause=cause,
            lost=lost,
            detail=detail,
        )
        found.setdefault(agent, []).append(hole)
    return found


def _silence(agent: str, last_at_us: int) -> tuple[Hole, ...]:
    return (Hole(agent=agent, sensor=WHOLE_ENDPOINT, from_us=last_at_us, cause=SILENT),)


def _sensors(fact: str | None) -> tuple[str, ...]:
    if fact is None:
        return ()
    try:
        health = decode_fact(fact.encode("utf-8"))
    except Malformed:
        return ()
    return tuple(s.name for s in health.sensors) if isinstance(health, AgentHealth) else ()
