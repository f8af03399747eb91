"""Every scenario raises exactly its rules; what is written about it is what was seen."""

import pytest

from tests.netns import missing
from tests.recall.run import Outcome, play
from tests.recall.scenario import Scenario
from tests.recall.scenarios import SCENARIOS
from tests.recall.table import README, rows, written

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "namespaces work")


@pytest.fixture(scope="module")
def played() -> dict[Scenario, Outcome]:
    return {outcome.scenario: outcome for outcome in play(SCENARIOS)}


def test_there_are_more_than_sixty_scenarios_and_no_two_have_one_name() -> None:
    names = {(scenario.theme, scenario.name) for scenario in SCENARIOS}

    assert len(names) == len(SCENARIOS) > 60


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{s.theme}: {s.name}")
def test_a_scenario_raises_its_rules_and_no_others(
    played: dict[Scenario, Outcome], scenario: Scenario
) -> None:
    outcome = played[scenario]
    if outcome.lacking:
        pytest.skip(f"this kernel lacks a kind of link: {outcome.lacking}")
    if scenario.known_miss and outcome.missed:
        pytest.xfail(scenario.known_miss)

    assert outcome.is_right, outcome.told_why()


def test_the_table_of_the_readme_is_what_was_seen(played: dict[Scenario, Outcome]) -> None:
    told = written(README.read_text("utf-8"))

    seen = rows(list(played.values()))

    assert set(told) == set(seen)
    comparable = [rule for rule in seen if seen[rule].not_played == told[rule].not_played]
    assert comparable
    assert {rule: told[rule] for rule in comparable} == {rule: seen[rule] for rule in comparable}
