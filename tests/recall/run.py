"""Plays the scenarios in worlds side by side and compares what was said with what was so."""

import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tests.recall import acts
from tests.recall.probe import Alarm
from tests.recall.scenario import Scenario
from tests.recall.world import World, world

WORLDS = 8
REACH_RULES = frozenset(("EXT-01", "EXT-02", "EXT-06", "EXT-16"))
_PATIENCE_S = 9.0
"""Programs are looked at every six seconds."""
_AFTER_S = 1.3
"""Longer than an attempt may take, and than names are gathered.  What is said later counts, too,
against the scenario that is played then, and it is none of its rules.
"""
_LATE_S = 3.0
_QUIET_S = 0.6
_STEP_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`flows` outside flows that the capture saw answered, `told` how many of them cases hold
    (as many as `flows` where the scenario is not about them).
    """

    scenario: Scenario
    raised: frozenset[str]
    reach: str
    flows: int
    told: int
    broken: str = ""

    @property
    def lacking(self) -> str:
        """What this kernel cannot make; empty when it is no reason."""
        return self.broken if "Unknown device type" in self.broken else ""

    @property
    def happened(self) -> bool:
        return not self.broken and self.reach == self.scenario.reach

    @property
    def missed(self) -> frozenset[str]:
        rules = self.scenario.rules - self.raised
        short = self.scenario.rules & REACH_RULES if self.told < self.flows else frozenset()
        return rules | short

    @property
    def false_alarms(self) -> frozenset[str]:
        return self.raised - self.scenario.rules

    @property
    def is_right(self) -> bool:
        return self.happened and not self.missed and not self.false_alarms

    def told_why(self) -> str:
        return (
            f"{self.scenario.theme}: {self.scenario.name}: expected "
            f"{sorted(self.scenario.rules)} and {self.scenario.reach}; raised "
            f"{sorted(self.raised)}, the capture says {self.reach}, {self.told} of "
            f"{self.flows} flows told {self.broken}"
        )


def play(scenarios: Sequence[Scenario], *, worlds: int = WORLDS) -> list[Outcome]:
    """One outcome for each, in their order; no world is made that would have nothing to play."""
    shares = [share for number in range(worlds) if (share := scenarios[number::worlds])]
    with ThreadPoolExecutor(worlds) as pool:
        played = {
            (outcome.scenario.theme, outcome.scenario.name): outcome
            for outcomes in pool.map(_play_share, shares)
            for outcome in outcomes
        }
    return [played[scenario.theme, scenario.name] for scenario in scenarios]


def _play_share(share: Sequence[Scenario]) -> list[Outcome]:
    """What is said before anything was done counts against the first, what is said while all is
    put back against the one before.
    """
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as ward:
        early = [*ward.at_start, *ward.reset(quiet=_QUIET_S)]
        for scenario in share:
            outcome = _play(scenario, ward)
            outcomes.append(_with(outcome, ward.reset(quiet=_QUIET_S)))
        outcomes[-1] = _with(outcomes[-1], ward.reset(quiet=_LATE_S))
    return [_with(outcomes[0], early), *outcomes[1:]]


def _with(outcome: Outcome, alarms: Iterable[Alarm]) -> Outcome:
    """With what was said before its time or after it."""
    return replace(outcome, raised=outcome.raised | {alarm.rule for alarm in alarms})


def _play(scenario: Scenario, ward: World) -> Outcome:
    broken = ""
    try:
        scenario.act(ward)
    except (OSError, RuntimeError) as failure:
        broken = f"{type(failure).__name__}: {failure}"
    begun = time.monotonic()
    while time.monotonic() - begun < _PATIENCE_S and _outcome(scenario, ward).missed:
        acts.pause(_STEP_S)
    acts.pause(_AFTER_S)
    return _outcome(scenario, ward, broken=broken)


def _outcome(scenario: Scenario, ward: World, *, broken: str = "") -> Outcome:
    alarms = ward.alarms()
    flows = len(ward.truth.reached) if scenario.rules & REACH_RULES else 0
    return Outcome(
        scenario=scenario,
        raised=frozenset(alarm.rule for alarm in alarms),
        reach=ward.truth.reach,
        flows=flows,
        told=min(flows, sum(alarm.count for alarm in alarms if alarm.rule in REACH_RULES)),
        broken=broken,
    )
