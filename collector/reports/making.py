"""Makes a report of a period out of the store."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Engine

from checks.check import discover
from checks.policy import Policy
from collector.citations import frameworks
from collector.fleet_shares import mean, watched
from collector.queries.reports import Enrolled, cells, enrolled
from collector.reports.figures import Cell, Line, Report, by, tally
from collector.reports.period import Period

REGULATION = "regulation"
"""The framework whose clauses a report goes through: the hospital's own."""


def make_report(engine: Engine, policy: Policy, period: Period, *, now_us: int) -> Report:
    """Up to `now_us` where the period is not over."""
    until_us = max(period.from_us, min(period.to_us, now_us))
    known = cells(engine, period.from_us, until_us)
    here = {a: one for a, one in enrolled(engine).items() if one.enrolled_us < until_us}
    seen = watched(engine, period.from_us, until_us)
    fleet = {agent: share for agent, share in seen.shares.items() if agent in here}
    share = mean(fleet)
    return Report(
        period=period,
        made_us=now_us,
        policy_version=policy.version,
        hospital=policy.hospital.name,
        timezone=policy.hospital.timezone,
        endpoints=len(here),
        share=share,
        total=tally(known),
        clauses=tuple(_clauses(known, policy.hospital.protection_level, share)),
        rules=tuple(_rules(known, share)),
        departments=tuple(_departments(known, here, fleet)),
        people=tuple(_people(known)),
        blind=seen.blind,
    )


def _clauses(known: Sequence[Cell], level: int, share: float) -> Iterator[Line]:
    """A case counts for each clause that its rule serves; clauses without a built rule are left
    out, for nobody watches them.
    """
    built = discover()
    for clause in frameworks()[REGULATION].clauses:
        rules = tuple(rule for rule in clause.rules if rule in built)
        if rules and clause.level in (0, level):
            own = [cell for cell in known if cell.rule in clause.rules]
            yield Line(key=clause.id, tally=tally(own), share=share, rules=rules)


def _rules(known: Sequence[Cell], share: float) -> Iterator[Line]:
    for rule, counted in sorted(by(known, lambda cell: cell.rule, discover()).items()):
        yield Line(key=rule, tally=counted, share=share)


def _departments(
    known: Sequence[Cell], here: Mapping[str, Enrolled], fleet: Mapping[str, float]
) -> Iterator[Line]:
    parted: dict[str, dict[str, float]] = defaultdict(dict)
    for agent, share in fleet.items():
        parted[here[agent].department][agent] = share
    counted = by(known, lambda cell: cell.department, parted)
    for name in sorted(counted, key=lambda name: (-counted[name].opened, name)):
        share_of_it = mean(parted[name]) if name in parted else None
        yield Line(key=name, tally=counted[name], share=share_of_it)


def _people(known: Sequence[Cell]) -> Iterator[Line]:
    """Only those with a case."""
    counted = by(known, lambda cell: cell.owner)
    for name in sorted(counted, key=lambda name: (-counted[name].opened, name)):
        yield Line(key=name, tally=counted[name])
