"""Endpoints: the register's line, what was last heard, what they know, what was missed."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Engine, RowMapping, Select, and_, func, or_, select

from checks.facts import Fact
from checks.policy import Endpoint
from checks.wire import Malformed, decode_fact
from collector.judging.records import EndpointRecord, Hole
from collector.queries.rows import value_of
from collector.store import schema

_REGISTER = ("name", "department", "owner", "place", "phone", "zone", "clinical")


class EndpointFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What is empty does not narrow.  `other_version_than` leaves those whose agent told of another
    version, `agents` only these, when it is not None.
    """

    state: str = ""
    department: str = ""
    text: str = ""
    other_version_than: str = ""
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
    named = schema.endpoints.c.department
    with engine.connect() as connection:
        asked = select(named).distinct().where(named != "").order_by(named)
        return list(connection.execute(asked).scalars())


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
    if wanted.state:
        asked = asked.where(lines.state == wanted.state)
    if wanted.department:
        asked = asked.where(lines.department == wanted.department)
    if wanted.other_version_than:
        told = (lines.version != "") & (lines.version != wanted.other_version_than)
        asked = asked.where(told, lines.state != "revoked")
    if wanted.agents is not None:
        asked = asked.where(lines.agent.in_(wanted.agents))
    if wanted.text:
        looked_at = (lines.agent, lines.name, lines.host, lines.owner, lines.place)
        asked = asked.where(
            or_(*(column.icontains(wanted.text, autoescape=True) for column in looked_at))
        )
    return asked


def _record(values: RowMapping) -> EndpointRecord:
    own = {name: values[name] for name in EndpointRecord.__struct_fields__ if name != "registered"}
    return EndpointRecord(registered=endpoint_of(values, values["agent"]), **own)
