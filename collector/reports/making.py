"""Makes a report of a period out of the store."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Engine

from checks.check import discover
from checks.policy import Policy
from collector.citations import frameworks
from collector.coverage import Coverage, fleet_coverage, mean_share
from collector.judging.records import WHOLE_ENDPOINT
from collector.queries.reports import Enrolled, cells, enrolled
from collector.reports.figures import Blind, Cell, Line, Report, by, tally
from collector.reports.period import Period

REGULATION = "regulation"
"""The framework whose clauses a report goes through: the hospital's own."""


def make_report(engine: Engine, policy: Policy, period: Period, *, now_us: int) -> Report:
    """Up to `now_us` where the period is not over."""
    until_us = max(period.from_us, min(period.to_us, now_us))
    known = cells(engine, period.from_us, until_us)
    here = {a: one for a, one in enrolled(engine).items() if one.enrolled_us < until_us}
    watched = fleet_coverage(engine, period.from_us, until_us)
    fleet = {agent: watched[agent] for agent in here if agent in watched}
    share = mean_share(fleet)
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
        blind=tuple(_blind(fleet, period.from_us, until_us)),
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
    known: Sequence[Cell], here: Mapping[str, Enrolled], fleet: Mapping[str, Coverage]
) -> Iterator[Line]:
    parted: dict[str, dict[str, Coverage]] = defaultdict(dict)
    for agent, coverage in fleet.items():
        parted[here[agent].department][agent] = coverage
    counted = by(known, lambda cell: cell.department, parted)
    for name in sorted(counted, key=lambda name: (-counted[name].opened, name)):
        share = mean_share(parted[name]) if name in parted else None
        yield Line(key=name, tally=counted[name], share=share)


def _people(known: Sequence[Cell]) -> Iterator[Line]:
    """Only those with a case."""
    counted = by(known, lambda cell: cell.owner)
    for name in sorted(counted, key=lambda name: (-counted[name].opened, name)):
        yield Line(key=name, tally=counted[name])


def _blind(fleet: Mapping[str, Coverage], from_us: int, to_us: int) -> Iterator[Blind]:
    """The longest first; of holes that overlap, each cause has its own."""
    lengths: dict[str, int] = defaultdict(int)
    agents: dict[str, set[str]] = defaultdict(set)
    for agent, coverage in fleet.items():
        for hole in coverage.holes:
            if hole.sensor != WHOLE_ENDPOINT:
                continue
            end_us = min(hole.to_us or to_us, to_us)
            lengths[hole.cause] += max(0, end_us - max(hole.from_us, from_us))
            agents[hole.cause].add(agent)
    for cause in sorted(lengths, key=lambda cause: (-lengths[cause], cause)):
        yield Blind(cause=cause, endpoints=len(agents[cause]), length_us=lengths[cause])
