"""Endpoints: the register's line, what was last heard, what they know, what was missed."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Engine, RowMapping, Select, and_, func, or_, select

from checks.facts import Fact
from checks.policy import Endpoint
from checks.wire import Malformed, decode_fact
from collector.judging.records import SHOWN_STATES, EndpointRecord, Hole
from collector.queries.rows import value_of
from collector.store import schema

OUTDATED = "outdated"
_LINES = schema.endpoints.c
ORDERS: Mapping[str, ColumnElement[Any]] = MappingProxyType(
    {
        "state": _LINES.state,
        "name": func.lower(_LINES.name),
        "department": _LINES.department,
        "owner": _LINES.owner,
        "version": _LINES.version,
        "cases": _LINES.open_cases,
        "heard": _LINES.last_heard_us,
    }
)
"""Columns that a list may be sorted by."""
_NUMBERS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})*")
_REGISTER = ("name", "department", "owner", "place", "phone", "zone", "clinical")


class EndpointFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What is empty does not narrow.  `state` is one of SHOWN_STATES; `older` are the versions
    that count as outdated (`older_versions`); `agents` leaves only these, when it is not None.
    """

    state: str = ""
    department: str = ""
    zone: str = ""
    text: str = ""
    older: tuple[str, ...] = ()
    agents: tuple[str, ...] | None = None


class LatestFact(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint's last word of a kind; times are the endpoint's own."""

    kind: str
    at_us: int
    fact: Fact


def endpoints(
    engine: Engine, wanted: EndpointFilter, *, limit: int, after: str = ""
) -> list[EndpointRecord]:
    """By id; those after an id.  For reading page by page."""
    lines = schema.endpoints.c
    asked = _narrowed(wanted).where(lines.agent > after).order_by(lines.agent).limit(limit)
    with engine.connect() as connection:
        return [_record(row) for row in connection.execute(asked).mappings()]


def troubled_first(
    engine: Engine, wanted: EndpointFilter, *, limit: int, offset: int = 0
) -> list[EndpointRecord]:
    """Silent before the rest, then those with open cases, then by department and name."""
    lines = schema.endpoints.c
    asked = _narrowed(wanted).order_by(
        (lines.state == "silent").desc(),
        lines.open_cases.desc(),
        lines.department,
        lines.name,
        lines.agent,
    )
    with engine.connect() as connection:
        rows = connection.execute(asked.limit(limit).offset(offset)).mappings()
        return [_record(row) for row in rows]


def sorted_by(
    engine: Engine, wanted: EndpointFilter, order: str, *, limit: int, offset: int = 0
) -> list[EndpointRecord]:
    """By one of ORDERS, with `-` in front the other way round; by any other `troubled_first`."""
    column = ORDERS.get(order.removeprefix("-"))
    if column is None:
        return troubled_first(engine, wanted, limit=limit, offset=offset)
    first = column.desc() if order.startswith("-") else column.asc()
    asked = _narrowed(wanted).order_by(first, schema.endpoints.c.agent)
    with engine.connect() as connection:
        rows = connection.execute(asked.limit(limit).offset(offset)).mappings()
        return [_record(row) for row in rows]


def count_by_state(engine: Engine, wanted: EndpointFilter) -> Mapping[str, int]:
    """How many there are of each of SHOWN_STATES, whichever state is asked for."""
    lines = schema.endpoints.c
    any_state = msgspec.structs.replace(wanted, state="")
    asked = _narrowed(any_state).with_only_columns(lines.state, func.count()).group_by(lines.state)
    with engine.connect() as connection:
        counted = {row[0]: row[1] for row in connection.execute(asked)}
    old = count_endpoints(engine, msgspec.structs.replace(wanted, state=OUTDATED))
    return {state: counted.get(state, 0) for state in SHOWN_STATES} | {OUTDATED: old}


def older_versions(engine: Engine, than: str) -> tuple[str, ...]:
    """Versions of clients in use that are older than this one."""
    version = schema.endpoints.c.version
    with engine.connect() as connection:
        found = connection.execute(select(version).distinct().where(version != "")).scalars()
        return tuple(sorted(each for each in found if _release(each) < _release(than)))


def zones(engine: Engine) -> list[str]:
    """Every zone that an endpoint belongs to."""
    return _distinct(engine, schema.endpoints.c.zone)


def every_endpoint(engine: Engine) -> list[EndpointRecord]:
    """The whole register, by department, name and id."""
    lines = schema.endpoints.c
    asked = select(schema.endpoints).order_by(lines.department, lines.name, lines.agent)
    with engine.connect() as connection:
        return [_record(row) for row in connection.execute(asked).mappings()]


def count_endpoints(engine: Engine, wanted: EndpointFilter) -> int:
    counted = _narrowed(wanted).with_only_columns(func.count(schema.endpoints.c.agent))
    with engine.connect() as connection:
        return connection.execute(counted).scalar_one()


def endpoint_named(engine: Engine, agent: str) -> EndpointRecord | None:
    with engine.connect() as connection:
        asked = select(schema.endpoints).where(schema.endpoints.c.agent == agent)
        row = connection.execute(asked).mappings().first()
    return None if row is None else _record(row)


def latest_facts(engine: Engine, agent: str) -> Mapping[str, LatestFact]:
    """The endpoint's states by kind; one that cannot be read here is left out."""
    asked = select(schema.latest).where(schema.latest.c.agent == agent)
    with engine.connect() as connection:
        rows = connection.execute(asked).all()
    read = {}
    for row in rows:
        try:
            fact = decode_fact(row.fact.encode("utf-8"))
        except Malformed:
            continue  # of another version: it is counted where it was judged
        read[row.kind] = LatestFact(kind=row.kind, at_us=row.at_us, fact=fact)
    return read


def holes_of(engine: Engine, agent: str, *, from_us: int, to_us: int) -> list[Hole]:
    """Holes that touch the span, oldest first."""
    holes = schema.coverage_holes
    asked = (
        select(holes)
        .where(holes.c.agent == agent)
        .where(and_(holes.c.from_us < to_us, or_(holes.c.to_us == 0, holes.c.to_us > from_us)))
        .order_by(holes.c.from_us)
    )
    with engine.connect() as connection:
        return [value_of(row, Hole) for row in connection.execute(asked).mappings()]


def departments(engine: Engine) -> list[str]:
    """Every department that an endpoint belongs to."""
    return _distinct(engine, schema.endpoints.c.department)


def endpoint_of(values: RowMapping, agent: str, *, prefix: str = "") -> Endpoint:
    """The register's line out of a row's columns; an empty one where there is none."""
    if values[f"{prefix}agent"] is None:
        return Endpoint(id=agent)
    return Endpoint(
        id=agent,
        groups=tuple(values[f"{prefix}groups"]),
        protection_level=values[f"{prefix}protection_level"],
        **{name: values[f"{prefix}{name}"] for name in _REGISTER},
    )


def _narrowed(wanted: EndpointFilter) -> Select[Any]:
    lines = schema.endpoints.c
    asked = select(schema.endpoints)
    if wanted.state == OUTDATED:
        asked = asked.where(lines.version.in_(wanted.older), lines.state != "revoked")
    elif wanted.state:
        asked = asked.where(lines.state == wanted.state)
    if wanted.department:
        asked = asked.where(lines.department == wanted.department)
    if wanted.zone:
        asked = asked.where(lines.zone == wanted.zone)
    if wanted.agents is not None:
        asked = asked.where(lines.agent.in_(wanted.agents))
    if wanted.text:
        looked_at = (lines.agent, lines.name, lines.host, lines.owner, lines.place)
        asked = asked.where(
            or_(*(column.icontains(wanted.text, autoescape=True) for column in looked_at))
        )
    return asked


def _distinct(engine: Engine, column: ColumnElement[str]) -> list[str]:
    with engine.connect() as connection:
        asked = select(column).distinct().where(column != "").order_by(column)
        return list(connection.execute(asked).scalars())


def _release(version: str) -> tuple[int, ...]:
    """`0.2.1` of `0.2.1rc1`, to be compared; nothing where it begins with no number."""
    found = _NUMBERS.match(version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _record(values: RowMapping) -> EndpointRecord:
    own = {name: values[name] for name in EndpointRecord.__struct_fields__ if name != "registered"}
    return EndpointRecord(registered=endpoint_of(values, values["agent"]), **own)
