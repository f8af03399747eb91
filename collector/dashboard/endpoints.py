"""The endpoints: which, how well watched, what they know; and their line in the register."""

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from checks.facts.health import AgentHealth
from checks.policy import Endpoint
from collector.clocks import microseconds_in
from collector.columns import parts_of
from collector.coverage import fleet_coverage
from collector.dashboard.door import Visit, see_other
from collector.dashboard.endpoint_shown import (
    DAYS,
    LINKS_SHOWN,
    links_of,
    media_at,
    versions_of,
    watched,
)
from collector.dashboard.forms import one as field
from collector.dashboard.media_import import said
from collector.dashboard.shown import shown
from collector.dashboard.wording import DAY_US
from collector.endpoints.acts import EndpointActs, EndpointRefused
from collector.endpoints.columns import LEVELS, VOCABULARY
from collector.judging.records import SHOWN_STATES
from collector.queries import cases
from collector.queries.endpoints import (
    ORDERS,
    EndpointFilter,
    count_by_state,
    count_endpoints,
    departments,
    endpoint_named,
    latest_facts,
    older_versions,
    sorted_by,
    zones,
)
from collector.queries.fleet import TROUBLES, Limits, Trouble, narrowed_to

ON_A_PAGE = 50
CASES_SHOWN = 20
CLOSED_SHOWN = 5
KNOWN_SHOWN = (
    "radios",
    "forwarding",
    "resolvers",
    "proxies",
    "remote_tools",
    "intranet_witness",
    "switch_ports",
    "neighbours",
    "outreach_history",
)
"""Kinds of states that the page describes as a whole; links and versions have parts of their own."""
_TEXTS = ("name", "department", "owner", "place", "phone", "zone", "clinical")


def listed(visit: Visit) -> Response:
    store, now_us = visit.services.store_engine, visit.services.clock()
    trouble = next((each for each in TROUBLES if each == visit.asked("trouble")), None)
    wanted, order = _wanted(visit, trouble), visit.asked("sort")
    total = count_endpoints(store, wanted)
    pages = max(1, -(-total // ON_A_PAGE))
    number = visit.page_number(pages)
    rows = sorted_by(store, wanted, order, limit=ON_A_PAGE, offset=(number - 1) * ON_A_PAGE)
    shown_here = [row.agent for row in rows]
    shares = fleet_coverage(store, now_us - DAY_US, now_us, agents=shown_here) if rows else {}
    return visit.page(
        "endpoints.html",
        rows=rows,
        total=total,
        number=number,
        pages=pages,
        wanted=wanted,
        trouble=trouble,
        order=order if order.removeprefix("-") in ORDERS else "",
        orders=tuple(ORDERS),
        states=SHOWN_STATES,
        counted=count_by_state(store, wanted),
        departments=departments(store),
        zones=zones(store),
        watched=shares,
        page_address=visit.address_without_page(),
        sort_address=_address_without(visit, "page", "sort"),
        state_address=_address_without(visit, "page", "state"),
    )


def limits_of(visit: Visit) -> Limits:
    """By which signatures count as old, the policy's `thresholds.signatures_max_age`, and agents
    as outdated, this collector's version.
    """
    policy = visit.services.policies.current()
    oldest_us = microseconds_in(policy.duration("signatures_max_age"))
    return Limits(
        version=visit.services.version, signatures_from_us=visit.services.clock() - oldest_us
    )


def _wanted(visit: Visit, trouble: Trouble | None) -> EndpointFilter:
    store, state = visit.services.store_engine, visit.asked("state")
    narrowed = narrowed_to(store, trouble, limits_of(visit)) if trouble else EndpointFilter()
    shown = state if state in SHOWN_STATES else ""
    return msgspec.structs.replace(
        narrowed,
        state=shown or narrowed.state,
        department=visit.asked("department"),
        zone=visit.asked("zone"),
        text=visit.asked("q").strip(),
        older=older_versions(store, visit.services.version),
    )


def _address_without(visit: Visit, *names: str) -> str:
    """The list's address without these, ready for one of them to be added."""
    kept = visit.request.url.remove_query_params(names)
    return f"{kept.path}?{kept.query}&" if kept.query else f"{kept.path}?"


def one(visit: Visit) -> Response:
    return _endpoint(visit)


def register(visit: Visit) -> Response:
    """Journals the changed line; the judge puts it into force."""
    services, agent = visit.services, visit.request.path_params["agent"]
    if endpoint_named(services.store_engine, agent) is None:
        return visit.missing()
    level = field(visit.form, "protection_level")
    line = Endpoint(
        id=agent,
        groups=parts_of(field(visit.form, "groups")),
        protection_level=int(level) if level in map(str, LEVELS) else 0,
        **{name: field(visit.form, name).strip() for name in _TEXTS},
    )
    acts = EndpointActs(journal=services.journal, changes=services.changes)
    try:
        acts.change(line, actor=visit.user)
    except EndpointRefused as refused:
        told = visit.says.format(refused.message, said(refused.params, visit, VOCABULARY))
        return _endpoint(visit, error=told)
    return see_other(f"/endpoints/{agent}")


def _endpoint(visit: Visit, error: str = "") -> Response:
    services, agent = visit.services, visit.request.path_params["agent"]
    store, now_us = services.store_engine, services.clock()
    record = endpoint_named(store, agent)
    if record is None:
        return visit.missing()
    known, policy = latest_facts(store, agent), services.policies.current()
    health = known.get("agent_health")
    wanted = cases.CaseFilter(endpoint=agent, only_open=True)
    return visit.page(
        "endpoint.html",
        HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK,
        error=error,
        form={name: field(visit.form, name) for name in visit.form}
        if error
        else _as_form(record.registered),
        record=record,
        endpoint=record.registered,
        health=health.fact if health and isinstance(health.fact, AgentHealth) else None,
        health_at_us=health.at_us if health else 0,
        known=[
            (known[kind], shown(known[kind].fact, visit.words))
            for kind in KNOWN_SHOWN
            if kind in known
        ],
        watched=watched(record, visit),
        days=DAYS,
        links=links_of(known["network"].fact) if "network" in known else [],
        links_at_us=known["network"].at_us if "network" in known else 0,
        links_shown=LINKS_SHOWN,
        versions=versions_of(record, known, newest_policy=policy.version),
        rows=cases.urgent_cases(store, wanted, now_us=now_us, limit=CASES_SHOWN),
        next_clock=cases.next_clock,
        closed=cases.last_closed(store, agent, limit=CLOSED_SHOWN),
        media=media_at(agent, visit),
        levels=LEVELS,
        zones=[zone.name for zone in policy.zones],
    )


def _as_form(endpoint: Endpoint) -> dict[str, str]:
    told = {name: str(getattr(endpoint, name)) for name in _TEXTS}
    level = str(endpoint.protection_level)
    return {**told, "groups": ", ".join(endpoint.groups), "protection_level": level}
