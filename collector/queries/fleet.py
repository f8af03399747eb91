"""What is wrong with the endpoints themselves: old agents, engines that are missing or old."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from sqlalchemy import Engine, and_, func, select

from checks.facts.media import ScannerState
from checks.wire import Malformed, decode_fact
from collector.queries.endpoints import OUTDATED, EndpointFilter, count_endpoints, older_versions
from collector.store import schema

REVOKED = "revoked"

Trouble = Literal["outdated", "no_engine", "old_signatures"]
TROUBLES: tuple[Trouble, ...] = ("outdated", "no_engine", "old_signatures")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """An agent older than `version` is outdated; signatures from before
    `signatures_from_us` are old.
    """

    version: str
    signatures_from_us: int


class DepartmentLoad(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is empty for the endpoints and cases of no department."""

    name: str
    open_cases: int
    endpoints: int

    @property
    def per_hundred(self) -> float | None:
        """Open cases for every 100 endpoints; None without endpoints."""
        return self.open_cases * 100 / self.endpoints if self.endpoints else None


def narrowed_to(engine: Engine, trouble: Trouble, limits: Limits) -> EndpointFilter:
    """The endpoints with this trouble, for list and count alike."""
    if trouble == "outdated":
        return EndpointFilter(state=OUTDATED, older=older_versions(engine, limits.version))
    return EndpointFilter(agents=_engines(engine, limits)[trouble])


def fleet_troubles(engine: Engine, limits: Limits) -> Mapping[Trouble, int]:
    """How many endpoints have each of TROUBLES."""
    engines = _engines(engine, limits)
    outdated = narrowed_to(engine, "outdated", limits)
    return {
        "outdated": count_endpoints(engine, outdated),
        **{trouble: len(agents) for trouble, agents in engines.items()},
    }


def loaded_departments(engine: Engine, *, limit: int) -> list[DepartmentLoad]:
    """Those with open cases, most first."""
    cases, lines = schema.cases.c, schema.endpoints.c
    opened = (
        select(cases.department, func.count().label("number"))
        .where(cases.closed_us == 0)
        .group_by(cases.department)
        .order_by(func.count().desc(), cases.department)
        .limit(limit)
    )
    watched = select(lines.department, func.count()).where(lines.state != REVOKED)
    with engine.connect() as connection:
        rows = connection.execute(opened).all()
        counted = connection.execute(watched.group_by(lines.department)).all()
    endpoints = {department: int(number) for department, number in counted}
    return [
        DepartmentLoad(name=name, open_cases=number, endpoints=endpoints.get(name, 0))
        for name, number in rows
    ]


def _engines(engine: Engine, limits: Limits) -> Mapping[Trouble, tuple[str, ...]]:
    """By the endpoint's last word of its engine; one that never spoke of any is in neither."""
    latest, lines = schema.latest, schema.endpoints
    kind = ScannerState.__struct_config__.tag
    asked = (
        select(lines.c.agent, latest.c.fact)
        .select_from(
            lines.join(latest, and_(latest.c.agent == lines.c.agent, latest.c.kind == kind))
        )
        .where(lines.c.state != REVOKED)
        .order_by(lines.c.agent)
    )
    missing, old = [], []
    with engine.connect() as connection:
        for agent, told in connection.execute(asked):
            scanner = _scanner(told)
            if scanner is None:
                continue
            if not scanner.available:
                missing.append(agent)
            elif 0 < scanner.signatures_at_us < limits.signatures_from_us:
                old.append(agent)
    return {"no_engine": tuple(missing), "old_signatures": tuple(old)}


def _scanner(told: str) -> ScannerState | None:
    """None for one of another version."""
    try:
        fact = decode_fact(told.encode("utf-8"))
    except Malformed:
        return None
    return fact if isinstance(fact, ScannerState) else None
