"""The figures of the first page, and what could not be seen."""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Engine, Row, func, select

from checks.facts.health import AgentHealth, SensorHealth
from checks.finding import Severity
from checks.wire import Malformed, decode_fact
from collector.alerts.decide import WITHOUT_CASE
from collector.judging.records import ENDPOINT_STATES, Hole
from collector.problems import FORKED
from collector.queries.cases import overdue
from collector.queries.rows import value_of
from collector.store import schema

FAULTS_SHOWN = 100
NOT_SENT = ("waiting", "claimed", "refused")
"""States of an alert that has not left."""


class OpenCases(msgspec.Struct, frozen=True, kw_only=True):
    """`overdue` have a clock that ran out; of the others, one of `soon` runs out before long."""

    by_severity: Mapping[Severity, int]
    overdue: int
    soon: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_severity.values())


class Outbox(msgspec.Struct, frozen=True, kw_only=True):
    """Mails by state; `oldest_waiting_us` 0 when none waits."""

    waiting: int = 0
    refused: int = 0
    oldest_waiting_us: int = 0
    last_sent_us: int = 0
    last_error: str = ""


class UnsentMail(msgspec.Struct, frozen=True, kw_only=True):
    """One that waits or was refused; `case` is a case's id unless the occasion is about none."""

    case: str
    occasion: str
    created_us: int
    recipients: tuple[str, ...]
    state: str
    error: str

    @property
    def is_of_case(self) -> bool:
        return self.occasion not in WITHOUT_CASE


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that could not be judged at an endpoint."""

    agent: str
    rule: str
    since_us: int
    at_us: int
    count: int
    why: str


class HeldKind(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of a kind that this version cannot read: kept, not judged."""

    agent: str
    kind: str
    count: int
    last_at_us: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was sent and not accepted."""

    at_us: int
    agent: str
    remote: str
    problem: str
    detail: str


class BlindSensor(msgspec.Struct, frozen=True, kw_only=True):
    agent: str
    sensor: SensorHealth


def open_cases(engine: Engine, *, now_us: int, soon_us: int = 0) -> OpenCases:
    """`soon` are those whose clock runs out until `soon_us` and has not yet."""
    cases = schema.cases.c
    late, by_then = overdue(now_us), overdue(max(now_us, soon_us))
    counted_so = (func.count().label("number"), func.sum(late).label("late"))
    asked = (
        select(cases.severity, *counted_so, func.sum(by_then).label("by_then"))
        .where(cases.closed_us == 0)
        .group_by(cases.severity)
    )
    with engine.connect() as connection:
        rows = connection.execute(asked).all()
    counted = {row.severity: row.number for row in rows}
    return OpenCases(
        by_severity={severity: counted.get(severity.value, 0) for severity in Severity},
        overdue=sum(row.late for row in rows),
        soon=sum(row.by_then - row.late for row in rows),
    )


def endpoint_states(engine: Engine) -> Mapping[str, int]:
    """How many endpoints are in each of ENDPOINT_STATES."""
    state = schema.endpoints.c.state
    with engine.connect() as connection:
        rows = connection.execute(select(state, func.count()).group_by(state)).all()
    counted = {row[0]: row[1] for row in rows}
    return {name: counted.get(name, 0) for name in ENDPOINT_STATES}


def whole_holes(engine: Engine, *, from_us: int) -> list[Hole]:
    """Holes since then in which a whole endpoint was not watched."""
    holes = schema.coverage_holes
    asked = select(holes).where(holes.c.sensor == "*")
    asked = asked.where((holes.c.to_us == 0) | (holes.c.to_us > from_us))
    with engine.connect() as connection:
        return [value_of(row, Hole) for row in connection.execute(asked).mappings()]


def outbox(engine: Engine) -> Outbox:
    """None of the many that were sent is looked at."""
    alerts = schema.alerts.c
    waiting, left = alerts.state.in_(("waiting", "claimed")), alerts.state.in_(NOT_SENT)
    with engine.connect() as connection:
        by_state = select(alerts.state, func.count()).where(left).group_by(alerts.state)
        counted = connection.execute(by_state)
        states = {row[0]: row[1] for row in counted}
        oldest = connection.execute(select(func.min(alerts.created_us)).where(waiting)).scalar()
        sent = connection.execute(select(func.max(alerts.sent_us))).scalar()
        failing = (
            select(alerts.error)
            .where(left, alerts.error != "")
            .order_by(alerts.created_us.desc())
            .limit(1)
        )
        error = connection.execute(failing).scalar()
    return Outbox(
        waiting=states.get("waiting", 0) + states.get("claimed", 0),
        refused=states.get("refused", 0),
        oldest_waiting_us=oldest or 0,
        last_sent_us=sent or 0,
        last_error=error or "",
    )


def unsent_mails(engine: Engine) -> list[UnsentMail]:
    """The oldest first, for they wait longest."""
    alerts = schema.alerts
    columns = [alerts.c[name] for name in UnsentMail.__struct_fields__]
    asked = select(*columns).where(alerts.c.state.in_(NOT_SENT))
    with engine.connect() as connection:
        rows = connection.execute(asked.order_by(alerts.c.created_us).limit(FAULTS_SHOWN))
        return [value_of(row, UnsentMail) for row in rows.mappings()]


def unknowns(engine: Engine) -> list[Unknown]:
    table = schema.unknowns
    with engine.connect() as connection:
        rows = connection.execute(select(table).order_by(table.c.at_us.desc()).limit(FAULTS_SHOWN))
        return [value_of(row, Unknown) for row in rows.mappings()]


def count_unknowns(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(schema.unknowns)).scalar_one()


def held_kinds(engine: Engine) -> list[HeldKind]:
    table = schema.held
    with engine.connect() as connection:
        rows = connection.execute(
            select(table).order_by(table.c.last_at_us.desc()).limit(FAULTS_SHOWN)
        )
        return [value_of(row, HeldKind) for row in rows.mappings()]


def refusals(journal_engine: Engine) -> list[Refusal]:
    """The newest, without forks."""
    return _refusals(journal_engine, schema.refusals.c.problem != FORKED)


def forks(journal_engine: Engine) -> list[Refusal]:
    """Identities under which two machines send; `detail` names both."""
    return _refusals(journal_engine, schema.refusals.c.problem == FORKED)


def _refusals(journal_engine: Engine, which: ColumnElement[bool]) -> list[Refusal]:
    table = schema.refusals
    asked = select(table).where(which).order_by(table.c.id.desc()).limit(FAULTS_SHOWN)
    with journal_engine.connect() as connection:
        return [value_of(row, Refusal) for row in connection.execute(asked).mappings()]


def blind_sensors(engine: Engine) -> list[BlindSensor]:
    """Sensors that by their agent's last word see less than they should."""
    table = schema.latest
    asked = select(table).where(table.c.kind == "agent_health")
    with engine.connect() as connection:
        rows = connection.execute(asked).all()
    return [BlindSensor(agent=row.agent, sensor=sensor) for row in rows for sensor in _blind(row)]


def endpoint_names(engine: Engine) -> Mapping[str, str]:
    """Agent id → what people call the endpoint."""
    table = schema.endpoints.c
    with engine.connect() as connection:
        rows = connection.execute(select(table.agent, table.name, table.host))
        return {row.agent: row.name or row.host or row.agent for row in rows}


def _blind(row: Row[Any]) -> list[SensorHealth]:
    try:
        fact = decode_fact(row.fact.encode("utf-8"))
    except Malformed:
        return []
    sensors = fact.sensors if isinstance(fact, AgentHealth) else ()
    return [sensor for sensor in sensors if sensor.state != "ok"]
