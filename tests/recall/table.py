"""The table of recall by rule, in the README between two marks.

`python -m tests.recall.table` plays all scenarios and writes it.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests import netns
from tests.recall.run import Outcome, play
from tests.recall.scenarios import SCENARIOS

README = netns.ROOT / "README.md"
BEGIN, END = "<!-- recall: begin -->", "<!-- recall: end -->"
ALL = "all"
QUIET = "(must be quiet)"
_HEAD = """| Rule | Scenarios | Played | Missed | False alarms |
|---|---|---|---|---|
"""
_ROW = re.compile(r"^\| (.+?) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`false_alarms`: how often this rule spoke where it must not."""

    scenarios: int
    played: int
    missed: int
    false_alarms: int

    @property
    def not_played(self) -> int:
        """For want of something in the kernel."""
        return self.scenarios - self.played

    @property
    def recall(self) -> float:
        return 1 - self.missed / self.played if self.played else 0.0


def rows(outcomes: Sequence[Outcome]) -> dict[str, Row]:
    """By rule; `all` last."""
    named = {rule for outcome in outcomes for rule in outcome.scenario.rules | outcome.raised}
    by_rule = {rule: _row(rule, outcomes) for rule in sorted(named)}
    quiet = [outcome for outcome in outcomes if not outcome.scenario.rules]
    by_rule[QUIET] = Row(
        scenarios=len(quiet),
        played=sum(not outcome.lacking for outcome in quiet),
        missed=0,
        false_alarms=sum(bool(outcome.false_alarms) for outcome in quiet),
    )
    by_rule[ALL] = Row(
        scenarios=len(outcomes),
        played=sum(not outcome.lacking for outcome in outcomes),
        missed=sum(_is_missed(outcome) for outcome in outcomes),
        false_alarms=sum(bool(outcome.false_alarms) for outcome in outcomes),
    )
    return by_rule


def _row(rule: str, outcomes: Sequence[Outcome]) -> Row:
    mine = [outcome for outcome in outcomes if rule in outcome.scenario.rules]
    return Row(
        scenarios=len(mine),
        played=sum(not outcome.lacking for outcome in mine),
        missed=sum(rule in outcome.missed and not outcome.lacking for outcome in mine),
        false_alarms=sum(rule in outcome.false_alarms for outcome in outcomes),
    )


def _is_missed(outcome: Outcome) -> bool:
    """A scenario that did not happen is missed, too, unless the kernel cannot make it."""
    return not outcome.lacking and (bool(outcome.missed) or not outcome.happened)


def text(outcomes: Sequence[Outcome]) -> str:
    """The table, then every miss with its reason and what could not be played."""
    lines = [
        f"| {rule} | {row.scenarios} | {row.played} | {row.missed} | {row.false_alarms} |\n"
        for rule, row in rows(outcomes).items()
    ]
    misses = [
        f"- missed: {outcome.scenario.theme}: {outcome.scenario.name}: "
        f"{outcome.scenario.known_miss or 'no reason known yet'}\n"
        for outcome in outcomes
        if _is_missed(outcome)
    ]
    absent = [outcome.scenario.name for outcome in outcomes if outcome.lacking]
    note = f"\nNot played, as this kernel makes no such link: {', '.join(absent)}.\n"
    return _HEAD + "".join(lines) + "".join(["\n", *misses] if misses else []) + note * bool(absent)


def written(readme: str) -> dict[str, Row]:
    """The rows that stand in a README."""
    _, _, after = readme.partition(BEGIN)
    table, _, _ = after.partition(END)
    return {
        rule: Row(
            scenarios=int(scenarios),
            played=int(played),
            missed=int(missed),
            false_alarms=int(false_alarms),
        )
        for rule, scenarios, played, missed, false_alarms in _ROW.findall(table)
    }


def write(readme: Path, table: str) -> None:
    before, _, after = readme.read_text("utf-8").partition(BEGIN)
    _, _, after = after.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{table}{END}{after}", "utf-8")


def main() -> int:
    outcomes = play(SCENARIOS)
    write(README, text(outcomes))
    wrong = [outcome for outcome in outcomes if not (outcome.is_right or outcome.lacking)]
    for outcome in wrong:
        print(outcome.told_why(), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
