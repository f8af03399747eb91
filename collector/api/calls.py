"""What each operation does, and the table of all of them."""

from collections.abc import Callable
from typing import Any

import msgspec

from checks.check import discover
from collector.api.answers import (
    ActBody,
    CaseBody,
    CasePage,
    CasesQuery,
    EndpointDetail,
    EndpointPage,
    EndpointsQuery,
    HostPage,
    HostsQuery,
    NoQuery,
    ObservationPage,
    ObservationsQuery,
    PolicyBody,
    Query,
    RuleBody,
    RuleList,
)
from collector.api.bodies import (
    case_body,
    clauses_of,
    endpoint_body,
    hole_body,
    host_body,
    microseconds,
    observation_body,
)
from collector.api.cursors import RowPlace, cursor_of, place_of
from collector.auth import Token
from collector.cases import Act
from collector.citations import rule_name
from collector.coverage import coverage, fleet_coverage
from collector.i18n import Translator
from collector.ports import Services
from collector.queries import cases, endpoints, observations
from collector.queries.hosts import hosts
from collector.rights import ACT_RIGHTS, Action

DAY_US = 24 * 3600 * 1_000_000


class Missing(Exception):
    """What the path names is not there; the message says what."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a known token; `named` is the path's own part."""

    services: Services
    token: Token
    says: Translator
    named: str = ""
    body: ActBody = ActBody()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table that routes and OpenAPI are made from."""

    method: str
    path: str
    action: Action
    handle: Callable[[Call, Any], msgspec.Struct]
    summary: str
    query: type[Query] = NoQuery
    answer: type[msgspec.Struct]
    takes_body: bool = False
    body: type[ActBody] = ActBody


def list_cases(call: Call, query: CasesQuery) -> CasePage:
    store, now_us = call.services.store_engine, call.services.clock()
    wanted = cases.CaseFilter(
        states=(query.state,) if query.state else (),
        only_open=query.open,
        rules=(query.rule,) if query.rule else (),
        severities=(query.severity,) if query.severity else (),
        endpoint=query.endpoint,
        since_us=microseconds(query.since),
    )
    after = place_of(query.cursor, cases.Position)
    rows = cases.newest_cases(store, wanted, limit=query.limit + 1, after=after)
    page, more = rows[: query.limit], len(rows) > query.limit
    last = cases.Position(page[-1].case.opened_us, page[-1].case.id) if page else None
    return CasePage(
        cases=[case_body(store, row, call.says, now_us=now_us, whole=False) for row in page],
        next=cursor_of(last) if more else None,
    )


def one_case(call: Call, _query: NoQuery) -> CaseBody:
    store = call.services.store_engine
    row = cases.case_named(store, call.named)
    if row is None:
        raise Missing("There is no such case")
    return case_body(store, row, call.says, now_us=call.services.clock(), whole=True)


def act_on_case(act: Act) -> Callable[[Call, NoQuery], CaseBody]:
    """The step on the case; answers with the case after it."""

    def handle(call: Call, query: NoQuery) -> CaseBody:
        body = call.body
        call.services.acts.on_case(
            call.named, act.value, actor=call.token.name, reason=body.reason, to=body.to
        )
        return one_case(call, query)

    return handle


def list_endpoints(call: Call, query: EndpointsQuery) -> EndpointPage:
    store, now_us = call.services.store_engine, call.services.clock()
    wanted = endpoints.EndpointFilter(
        state=query.state or "",
        department=query.department,
        zone=query.zone,
        text=query.q.strip(),
        older=endpoints.older_versions(store, call.services.version),
    )
    after = place_of(query.cursor, str) or ""
    rows = endpoints.endpoints(store, wanted, limit=query.limit + 1, after=after)
    page, more = rows[: query.limit], len(rows) > query.limit
    agents = [record.agent for record in page]
    watched = fleet_coverage(store, now_us - DAY_US, now_us, agents=agents) if page else {}
    return EndpointPage(
        endpoints=[endpoint_body(each, share=watched[each.agent].share) for each in page],
        next=cursor_of(agents[-1]) if more else None,
    )


def one_endpoint(call: Call, _query: NoQuery) -> EndpointDetail:
    store, now_us = call.services.store_engine, call.services.clock()
    record = endpoints.endpoint_named(store, call.named)
    if record is None:
        raise Missing("There is no such endpoint")
    watched = coverage(store, call.named, now_us - DAY_US, now_us)
    known = endpoints.latest_facts(store, call.named)
    return EndpointDetail(
        endpoint=endpoint_body(record, share=watched.share),
        known={kind: msgspec.to_builtins(latest.fact) for kind, latest in known.items()},
        coverage_holes=[hole_body(hole) for hole in watched.holes],
    )


def list_hosts(call: Call, query: HostsQuery) -> HostPage:
    services = call.services
    begin = (place_of(query.cursor, RowPlace) or RowPlace(0)).row
    found = hosts(services.store_engine, services.policies.current(), standing=query.standing or "")
    end = begin + query.limit
    return HostPage(
        hosts=[host_body(host) for host in found[begin:end]],
        next=cursor_of(RowPlace(end)) if len(found) > end else None,
    )


def list_observations(call: Call, query: ObservationsQuery) -> ObservationPage:
    wanted = observations.ObservationFilter(
        agent=query.endpoint, kind=query.kind, since_us=microseconds(query.since)
    )
    before = place_of(query.cursor, RowPlace) or RowPlace(0)
    rows = observations.observations(
        call.services.store_engine, wanted, limit=query.limit + 1, before=before.row
    )
    page, more = rows[: query.limit], len(rows) > query.limit
    return ObservationPage(
        observations=[observation_body(row) for row in page],
        next=cursor_of(RowPlace(page[-1].id)) if more else None,
    )


def running_policy(call: Call, _query: NoQuery) -> PolicyBody:
    policies = call.services.policies
    policy = policies.current()
    return PolicyBody(version=policy.version, mode=policy.mode, text=policies.text())


def list_rules(call: Call, _query: NoQuery) -> RuleList:
    policy, says = call.services.policies.current(), call.says
    level = policy.hospital.protection_level
    rules = []
    for check in discover().values():
        settings = policy.settings(check.rule)
        parts = (" ".join(part.split()) for part in check.documentation.split("\n\n"))
        rules.append(
            RuleBody(
                id=check.rule,
                name=rule_name(check.rule, says.language),
                title=says.gettext(check.title),
                documentation="\n\n".join(says.gettext(part) for part in parts if part),
                remedy=says.gettext(check.remedy),
                severity=settings.severity,
                enabled=settings.enabled,
                mail=settings.mail,
                acknowledge=settings.acknowledge,
                contain=settings.contain,
                close=settings.close,
                clauses=clauses_of(check.rule, level, says.language),
            )
        )
    return RuleList(rules=rules)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path="/cases",
        action=Action.SEE_CASES,
        handle=list_cases,
        summary="Cases, newest first",
        query=CasesQuery,
        answer=CasePage,
    ),
    Operation(
        method="GET",
        path="/cases/{id}",
        action=Action.SEE_CASES,
        handle=one_case,
        summary="One case with evidence and timeline",
        answer=CaseBody,
    ),
    *(
        Operation(
            method="POST",
            path=f"/cases/{{id}}/{act.value}",
            action=ACT_RIGHTS[act.value],
            handle=act_on_case(act),
            summary=f"Take the step “{act.value.replace('_', ' ')}” on a case",
            answer=CaseBody,
            takes_body=True,
        )
        for act in Act
        if act is not Act.CONFIRM  # a token is no second person
    ),
    Operation(
        method="GET",
        path="/endpoints",
        action=Action.SEE_ENDPOINTS,
        handle=list_endpoints,
        summary="Endpoints by id",
        query=EndpointsQuery,
        answer=EndpointPage,
    ),
    Operation(
        method="GET",
        path="/endpoints/{id}",
        action=Action.SEE_ENDPOINTS,
        handle=one_endpoint,
        summary="One endpoint: what it knows and what was not watched in 24 hours",
        answer=EndpointDetail,
    ),
    Operation(
        method="GET",
        path="/hosts",
        action=Action.SEE_ENDPOINTS,
        handle=list_hosts,
        summary="Hosts that endpoints hear on their segments, unmanaged ones first",
        query=HostsQuery,
        answer=HostPage,
    ),
    Operation(
        method="GET",
        path="/observations",
        action=Action.SEE_OBSERVATIONS,
        handle=list_observations,
        summary="Observations, newest first as received",
        query=ObservationsQuery,
        answer=ObservationPage,
    ),
    Operation(
        method="GET",
        path="/policy",
        action=Action.SEE_POLICY,
        handle=running_policy,
        summary="The running policy",
        answer=PolicyBody,
    ),
    Operation(
        method="GET",
        path="/rules",
        action=Action.SEE_CASES,
        handle=list_rules,
        summary="Rules with documentation, clocks and clauses",
        answer=RuleList,
    ),
)
