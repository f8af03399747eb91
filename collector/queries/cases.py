"""Cases with their endpoints, evidence and story."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Engine,
    RowMapping,
    Select,
    and_,
    case,
    func,
    not_,
    or_,
    select,
    tuple_,
)

from checks.facts.base import Micros
from checks.finding import Severity
from checks.policy import Endpoint
from collector.cases import CLOSED_STATES, NO, Case, CaseState
from collector.ports import Change
from collector.queries.case_texts import tells
from collector.queries.endpoints import endpoint_of
from collector.queries.reports import counts_as
from collector.queries.rows import value_of
from collector.reports.figures import Counted
from collector.store import schema

EVIDENCE_SHOWN = 50
"""Of a case with 10,000 findings the newest are shown and the rest counted."""

NOBODY = "\N{FIGURE DASH}"
"""Stands for an empty name in an address, where empty means any."""
_OPEN = schema.cases.c.closed_us == 0
_WITH_REGISTER = schema.cases.outerjoin(
    schema.endpoints, schema.cases.c.agent == schema.endpoints.c.agent
)
_ASKED_AT_ONCE = 10_000
"""SQLite takes 32,766 parameters (SQLITE_MAX_VARIABLE_NUMBER)."""
_CLOSED = tuple(sorted(CLOSED_STATES))
_OF_FINDING = (
    "at_us",
    "agent",
    "sequence",
    "message",
    "params",
    "severity",
    "decided_by",
    "policy_version",
    "count",
)
_BEFORE_CONTAINED = (
    CaseState.AWAITING_ACKNOWLEDGEMENT,
    CaseState.AWAITING_VERIFICATION,
    CaseState.HANDLING,
)


class CaseFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What is empty does not narrow.  `within` is the only department that the asker may see, whatever
    else is asked for.  `subject` is the whole one; `since_us` compares when it was
    last seen, `text` is looked for in subject, case number, the endpoint's line of the register, what the
    evidence says and what people wrote.
    NOBODY as `department`, `owner` (the person in charge) or `assignee` means those that have none.  With
    `counted` only those that a report from `from_us` until `to_us` counts so.  `late_by_us` leaves the
    open ones with a clock that will have run out by then, `in_time_at_us` those without one by then.
    """

    within: str = ""
    states: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    endpoint: str = ""
    department: str = ""
    subject: str = ""
    owner: str = ""
    assignee: str = ""
    since_us: int = 0
    text: str = ""
    only_open: bool = False
    only_proposed: bool = False
    counted: Counted | None = None
    from_us: int = 0
    to_us: int = 0
    late_by_us: int = 0
    in_time_at_us: int = 0


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    case: Case
    endpoint: Endpoint


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One finding; `fact` is the observation's JSON, empty when it is no longer kept."""

    at_us: int
    agent: str
    sequence: int
    message: str
    params: Mapping[str, str]
    severity: Severity
    decided_by: str
    policy_version: int
    count: int
    fact: str


class StoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a case's timeline; `actor` is empty for the collector itself."""

    at_us: int
    actor: str
    act: str
    detail: Mapping[str, Any]


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of cases ended: newest first by opening, which never changes."""

    opened_us: Micros
    id: str


class NextClock(msgspec.Struct, frozen=True, kw_only=True):
    """A clock that runs: `acknowledge`, `contain`, `close` or `report`."""

    name: str
    due_us: int

    def is_over(self, now_us: int) -> bool:
        return self.due_us < now_us


def next_clock(subject: Case) -> NextClock | None:
    """The clock that runs out next, if any."""
    running = [clock for clock in (work_clock(subject), report_clock(subject)) if clock]
    return min(running, key=lambda clock: clock.due_us, default=None)


def work_clock(subject: Case) -> NextClock | None:
    """The one that still has to be met in the case's present state."""
    if not subject.is_open:
        return None
    waits = subject.state is CaseState.AWAITING_ACKNOWLEDGEMENT
    if waits and subject.acknowledge_due_us:
        return NextClock(name="acknowledge", due_us=subject.acknowledge_due_us)
    if subject.state in _BEFORE_CONTAINED and subject.contain_due_us:
        return NextClock(name="contain", due_us=subject.contain_due_us)
    if subject.close_due_us:
        return NextClock(name="close", due_us=subject.close_due_us)
    return None


def report_clock(subject: Case) -> NextClock | None:
    """The legal one, as long as nobody said that it is no major incident, or reported it."""
    runs = subject.is_open and subject.report_due_us and not subject.reported
    if not runs or subject.major == NO:
        return None
    return NextClock(name="report", due_us=subject.report_due_us)


def newest_cases(
    engine: Engine, wanted: CaseFilter, *, limit: int, after: Position | None = None
) -> list[CaseRow]:
    """By opening, newest first; those after a position are older."""
    cases = schema.cases.c
    asked = _narrowed(_rows(), wanted)
    if after is not None:
        asked = asked.where(tuple_(cases.opened_us, cases.id) < (after.opened_us, after.id))
    asked = asked.order_by(cases.opened_us.desc(), cases.id.desc()).limit(limit)
    return _fetched(engine, asked)


def urgent_cases(
    engine: Engine, wanted: CaseFilter, *, now_us: int, limit: int, offset: int = 0
) -> list[CaseRow]:
    """The open ones first: overdue before the rest, then by severity, newest first.  After them the
    closed ones, by their close, newest first.
    """
    cases = schema.cases.c
    urgency = (overdue(now_us).desc(), cases.severity_rank, cases.last_seen_us.desc(), cases.id)
    still_open = _narrowed(_rows(), wanted).where(_OPEN).order_by(*urgency)
    found = _fetched(engine, still_open.limit(limit).offset(offset))
    if len(found) == limit or wanted.only_open:
        return found
    before = 0 if found else count_cases(engine, wanted, only=_OPEN)
    ended = _narrowed(_rows(), wanted).where(not_(_OPEN))
    ended = ended.order_by(cases.closed_us.desc(), cases.id)
    past = max(0, offset - before)
    return [*found, *_fetched(engine, ended.limit(limit - len(found)).offset(past))]


def last_closed(engine: Engine, agent: str, *, limit: int) -> list[CaseRow]:
    """Of one endpoint, the newest end first."""
    cases = schema.cases.c
    asked = _rows().where(cases.agent == agent, cases.closed_us > 0)
    return _fetched(engine, asked.order_by(cases.closed_us.desc(), cases.id).limit(limit))


def count_cases(
    engine: Engine, wanted: CaseFilter, *, only: ColumnElement[bool] | None = None
) -> int:
    narrowed = _narrowed(select(func.count()), wanted)
    asked = narrowed.select_from(_WITH_REGISTER if wanted.owner else schema.cases)
    with engine.connect() as connection:
        return int(connection.execute(asked if only is None else asked.where(only)).scalar_one())


def ids_of(engine: Engine, wanted: CaseFilter, *, limit: int) -> list[str]:
    """Ids of all that the filter lets through, the newest first; `limit` at most."""
    cases = schema.cases.c
    asked = _narrowed(select(cases.id).select_from(_WITH_REGISTER), wanted)
    asked = asked.order_by(cases.opened_us.desc(), cases.id).limit(limit)
    with engine.connect() as connection:
        return list(connection.execute(asked).scalars())


def case_named(engine: Engine, case_id: str, *, within: str = "") -> CaseRow | None:
    """None also for a case of another department than `within`, where that is given."""
    found = _fetched(engine, _rows().where(schema.cases.c.id == case_id))
    return found[0] if found and within in ("", found[0].case.department) else None


def evidence_of(engine: Engine, case_id: str, *, limit: int = EVIDENCE_SHOWN) -> list[Evidence]:
    """The case's findings, newest first, each with the fact that it was seen in."""
    findings, seen = schema.findings, schema.observations
    same = and_(findings.c.agent == seen.c.agent, findings.c.sequence == seen.c.sequence)
    asked = (
        select(
            *(findings.c[name] for name in _OF_FINDING),
            func.coalesce(seen.c.fact, "").label("fact"),
        )
        .select_from(findings.outerjoin(seen, same))
        .where(findings.c.case == case_id)
        .order_by(findings.c.at_us.desc(), findings.c.sequence.desc(), findings.c.ordinal)
        .limit(limit)
    )
    with engine.connect() as connection:
        return [value_of(row, Evidence) for row in connection.execute(asked).mappings()]


def count_findings(engine: Engine, case_id: str) -> int:
    asked = select(func.count()).where(schema.findings.c.case == case_id)
    with engine.connect() as connection:
        return connection.execute(asked).scalar_one()


def story_of(engine: Engine, case_id: str) -> list[StoryLine]:
    """The case's timeline, newest first."""
    lines = schema.timeline.c
    asked = (
        select(schema.timeline)
        .where(lines.case == case_id)
        .order_by(lines.entry.desc(), lines.ordinal.desc())
    )
    with engine.connect() as connection:
        return [
            StoryLine(at_us=row.at_us, actor=row.actor, act=row.act, detail=row.detail)
            for row in connection.execute(asked)
        ]


def overdue(now_us: int) -> ColumnElement[int]:
    """1 where the clock of `next_clock` has run out, else 0."""
    cases = schema.cases.c
    waits = cases.state == CaseState.AWAITING_ACKNOWLEDGEMENT.value
    due = case(
        (cases.state.in_(_CLOSED), 0),
        (and_(waits, cases.acknowledge_due_us > 0), cases.acknowledge_due_us),
        (
            and_(cases.state.in_(_BEFORE_CONTAINED), cases.contain_due_us > 0),
            cases.contain_due_us,
        ),
        else_=cases.close_due_us,
    )
    reported = or_(cases.reported != "", cases.major == NO, cases.state.in_(_CLOSED))
    report_over = and_(cases.report_due_us > 0, cases.report_due_us < now_us, not_(reported))
    return case((and_(due > 0, due < now_us), 1), (report_over, 1), else_=0)


def _rows() -> Select[Any]:
    register = [column.label(f"endpoint_{column.name}") for column in schema.endpoints.columns]
    return select(schema.cases, *register).select_from(_WITH_REGISTER)


def known_cases(engine: Engine, ids: Sequence[str]) -> frozenset[str]:
    """Those of the ids that are cases here."""
    with engine.connect() as connection:
        asked = select(schema.cases.c.id).where(schema.cases.c.id.in_(ids))
        return frozenset(connection.execute(asked).scalars())


def change_within(engine: Engine, change: Change, department: str) -> Change:
    """What of the change a department's officer may hear of: its cases, no endpoints."""
    cases = schema.cases.c
    own: list[str] = []
    with engine.connect() as connection:
        for first in range(0, len(change.cases), _ASKED_AT_ONCE):
            some = change.cases[first : first + _ASKED_AT_ONCE]
            asked = select(cases.id).where(cases.id.in_(some), cases.department == department)
            own.extend(connection.execute(asked).scalars())
    return msgspec.structs.replace(change, cases=tuple(own), endpoints=())


def _narrowed(asked: Select[Any], wanted: CaseFilter) -> Select[Any]:
    cases = schema.cases.c
    asked = asked.where(*_of_clocks(wanted))
    if wanted.only_open:
        asked = asked.where(_OPEN)
    if wanted.only_proposed:
        asked = asked.where(cases.proposed_by != "")
    for column, values in (
        (cases.state, wanted.states),
        (cases.rule, wanted.rules),
        (cases.severity, wanted.severities),
    ):
        if values:
            asked = asked.where(column.in_(values))
    for whole, value in (
        (cases.department, wanted.within),
        (cases.agent, wanted.endpoint),
        (cases.department, wanted.department),
        (cases.subject, wanted.subject),
        (cases.assignee, wanted.assignee),
        (func.coalesce(schema.endpoints.c.owner, ""), wanted.owner),
    ):
        if value:
            asked = asked.where(whole == value.removeprefix(NOBODY))
    if wanted.counted:
        asked = asked.where(counts_as(wanted.counted, wanted.from_us, wanted.to_us))
    if wanted.since_us:
        asked = asked.where(cases.last_seen_us >= wanted.since_us)
    if wanted.text:
        asked = asked.where(_mentions(wanted.text))
    return asked


def _of_clocks(wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.late_by_us:
        yield _OPEN
        yield overdue(wanted.late_by_us) == 1
    if wanted.in_time_at_us:
        yield overdue(wanted.in_time_at_us) == 0


def _mentions(text: str) -> ColumnElement[bool]:
    lines, cases = schema.endpoints.c, schema.cases.c
    register = (lines.name, lines.host, lines.owner, lines.place, lines.department)
    there = select(lines.agent).where(or_(*_holding(register, text)))
    return or_(cases.agent.in_(there), *_holding((cases.id, cases.subject), text), tells(text))


def _holding(columns: Iterable[ColumnElement[str]], text: str) -> Iterator[ColumnElement[bool]]:
    return (column.icontains(text, autoescape=True) for column in columns)


def _fetched(engine: Engine, asked: Select[Any]) -> list[CaseRow]:
    with engine.connect() as connection:
        return [_case_row(row) for row in connection.execute(asked).mappings()]


def _case_row(values: RowMapping) -> CaseRow:
    fields = {name: values[name] for name in Case.__struct_fields__}
    own = msgspec.convert(fields, Case)
    return CaseRow(case=own, endpoint=endpoint_of(values, own.agent, prefix="endpoint_"))
