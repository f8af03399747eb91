"""What a report is counted from."""

import sys
from collections.abc import Mapping

import msgspec
from sqlalchemy import ColumnElement, Engine, and_, case, func, or_, select

from collector.cases import CaseState
from collector.queries.rows import value_of
from collector.reports.figures import COUNTED, Cell, Counted
from collector.store import schema


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    department: str
    enrolled_us: int


def counts_as(counted: Counted, from_us: int, to_us: int) -> ColumnElement[bool]:
    """Whether a case is one of those that a report of this span counts so."""
    cases = schema.cases.c
    closed = and_(cases.closed_us >= from_us, cases.closed_us < to_us)
    left = and_(cases.opened_us < to_us, or_(cases.closed_us == 0, cases.closed_us >= to_us))
    return {
        "opened": and_(cases.opened_us >= from_us, cases.opened_us < to_us),
        "closed": closed,
        "mistaken": and_(closed, cases.state == CaseState.FALSE_ALARM.value),
        "left": left,
        "overdue": and_(left, cases.close_due_us > 0, cases.close_due_us < to_us),
    }[counted]


def cells(engine: Engine, from_us: int, to_us: int) -> list[Cell]:
    """Every case that was open at some moment of the span, counted once."""
    cases, lines = schema.cases, schema.endpoints
    owner = func.coalesce(lines.c.owner, "").label("owner")
    parts = (cases.c.rule, cases.c.department, owner, cases.c.severity)
    sums = (
        func.sum(case((counts_as(each, from_us, to_us), 1), else_=0)).label(each)
        for each in COUNTED
    )
    asked = (
        select(*parts, *sums)
        .select_from(cases.outerjoin(lines, cases.c.agent == lines.c.agent))
        .where(cases.c.opened_us < to_us)
        .where(or_(cases.c.closed_us == 0, cases.c.closed_us >= from_us))
        .group_by(*parts)
    )
    with engine.connect() as connection:
        return [value_of(row, Cell) for row in connection.execute(asked).mappings()]


def enrolled(engine: Engine) -> Mapping[str, Enrolled]:
    """Every endpoint by its agent."""
    lines = schema.endpoints.c
    asked = select(lines.agent, lines.department, lines.enrolled_us)
    with engine.connect() as connection:
        return {
            row.agent: Enrolled(department=row.department, enrolled_us=row.enrolled_us)
            for row in connection.execute(asked)
        }


def first_enrolled_us(engine: Engine) -> int:
    """When the first endpoint was enrolled; the end of time where there is none."""
    with engine.connect() as connection:
        first = connection.execute(select(func.min(schema.endpoints.c.enrolled_us))).scalar_one()
    return sys.maxsize if first is None else int(first)
