"""The list of cases, one case with its whole story, and what is done to it."""

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from checks.check import discover
from checks.finding import Severity
from checks.policy import Endpoint
from checks.wire import Malformed, decode_fact
from collector.acts import workers
from collector.cases import REASON_LIMIT, Act, ActRefused, Case, CaseState, possible_acts
from collector.citations import rule_name
from collector.dashboard.case_chips import chips_of
from collector.dashboard.case_filter import asked_for
from collector.dashboard.case_medium import medium_of
from collector.dashboard.cases_offer import offer_of
from collector.dashboard.cases_told import forget, told
from collector.dashboard.clauses import clauses_of
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.dashboard.lines import Line
from collector.dashboard.shown import shown
from collector.queries import cases
from collector.queries.endpoints import departments, endpoint_named
from collector.queries.spread import Visited, visited_since_clean
from collector.reports.tables import COUNTED_NAMES
from collector.rights import ACT_RIGHTS, Action

ON_A_PAGE = 25
INFECTED = "MED-05"
"""The rule whose cases list where the medium was besides."""
EVIDENCE_OPEN = 3
"""Pieces of evidence that are open when the page comes; the rest unfold."""


class ShownEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """A finding and its fact's lines for people; none when the fact is not kept."""

    finding: cases.Evidence
    lines: tuple[Line, ...]


def listed(visit: Visit) -> Response:
    return forget(visit, show_list(visit))


def one_case(visit: Visit) -> Response:
    return _case(visit)


def act(visit: Visit) -> Response:
    """One step on the case, by the button that was pressed."""
    case, step = visit.request.path_params["case"], field(visit.form, "act")
    if not visit.may(ACT_RIGHTS.get(step, ACT_RIGHTS["close"])):
        return visit.page("forbidden.html", HTTPStatus.FORBIDDEN)
    reason, to = field(visit.form, "reason"), field(visit.form, "to")
    try:
        visit.services.acts.on_case(
            case, step, actor=visit.user, reason=reason, to=to, within=visit.within
        )
    except ActRefused as refused:
        told = visit.says.format(refused.message, refused.params)
        return _case(visit, error=told, reason=reason)
    return see_other(f"/cases/{case}")


def show_list(visit: Visit, *, error: str = "") -> Response:
    """The list of cases, and why what was asked of it was not done."""
    store, now_us = visit.services.store_engine, visit.services.clock()
    asked = asked_for(visit, visit.request.query_params)
    wanted = asked.wanted
    total = cases.count_cases(store, wanted)
    pages = max(1, -(-total // ON_A_PAGE))
    number = visit.page_number(pages)
    rows = cases.urgent_cases(
        store, wanted, now_us=now_us, limit=ON_A_PAGE, offset=(number - 1) * ON_A_PAGE
    )
    return visit.page(
        "cases.html",
        HTTPStatus.CONFLICT if error else HTTPStatus.OK,
        error=error,
        rows=rows,
        total=total,
        number=number,
        pages=pages,
        wanted=wanted,
        during=asked.period,
        due=asked.due,
        counted_name=COUNTED_NAMES.get(asked.counted or ""),
        nobody=cases.NOBODY,
        state=asked.state,
        reason_limit=REASON_LIMIT,
        offer=offer_of(visit, wanted, total),
        told=told(visit),
        filters=chips_of(visit),
        next_clock=cases.next_clock,
        states=list(CaseState),
        severities=list(Severity),
        rules=sorted(discover()),
        departments=() if visit.within else departments(store),
        workers=workers(store),
        page_address=visit.address_without_page(),
    )


def _case(visit: Visit, *, error: str = "", reason: str = "") -> Response:
    store, case_id = visit.services.store_engine, visit.request.path_params["case"]
    row = cases.case_named(store, case_id, within=visit.within)
    if row is None:
        return visit.missing()
    says = visit.says
    check = discover().get(row.case.rule)
    found = cases.evidence_of(store, case_id)
    steps = [step for step in possible_acts(row.case, visit.user) if visit.may(ACT_RIGHTS[step])]
    record = endpoint_named(store, row.case.agent)
    return visit.page(
        "case.html",
        HTTPStatus.CONFLICT if error else HTTPStatus.OK,
        error=error,
        reason=reason,
        reason_limit=REASON_LIMIT,
        row=row,
        case=row.case,
        medium=medium_of(row.case, visit),
        endpoint=row.endpoint,
        place=_place(row.endpoint),
        state=record.state if record else "",
        title=rule_name(row.case.rule, says.language),
        message=says.sentence(row.case.message, row.case.params),
        remedy=says.gettext(check.remedy) if check else "",
        clauses=clauses_of(row.case.rule, row.endpoint.protection_level),
        clock=cases.work_clock(row.case),
        report_clock=cases.report_clock(row.case),
        evidence=[ShownEvidence(finding=item, lines=_lines(item.fact, visit)) for item in found],
        evidence_open=EVIDENCE_OPEN,
        findings=cases.count_findings(store, case_id),
        story=cases.story_of(store, case_id),
        steps=steps,
        workers=workers(store) if Act.ASSIGN in steps else (),
        visited=_visited(row.case, visit),
    )


def _visited(case: Case, visit: Visit) -> list[Visited]:
    """Where an infected medium was besides; of other cases nothing."""
    if case.rule != INFECTED or not visit.may(Action.SEE_ENDPOINTS):
        return []
    store = visit.services.store_engine
    return visited_since_clean(store, case.subject, besides=case.agent)


def _place(endpoint: Endpoint) -> list[str]:
    return [part for part in (endpoint.department, endpoint.place) if part]


def _lines(fact: str, visit: Visit) -> tuple[Line, ...]:
    try:
        return shown(decode_fact(fact.encode("utf-8")), visit.words) if fact else ()
    except Malformed:
        return ()
