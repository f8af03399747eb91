import pytest

from checks.facts.media import MediumScanned
from tests.samples import NOW_US, STICK, judged

LEFT_OUT = "{number} entries of {medium} were not scanned: {left_out}"


def scanned(**changes):
    fields = {"engine": "ClamAV 1", "signatures_at_us": NOW_US, **changes}
    return MediumScanned(medium=STICK, mount_point="/media/a", **fields)


def told(fact):
    return [(verdict.rule, verdict.finding.message) for verdict in judged(fact)]


@pytest.mark.parametrize("verdict", ["clean", "infected"])
def test_what_was_seen_whole_or_found_infected_is_not_told_here(verdict):
    skipped = {"encrypted": 1} if verdict == "infected" else {}

    rules = [rule for rule, _ in told(scanned(verdict=verdict, skipped=skipped))]

    assert "MED-16" not in rules


@pytest.mark.parametrize(
    ("fact", "messages"),
    [
        (
            scanned(verdict="incomplete", reason="skipped", skipped={"encrypted": 2, "special": 1}),
            [LEFT_OUT, LEFT_OUT],
        ),
        (
            scanned(verdict="incomplete", reason="gone", skipped={"gone": 3}),
            ["{medium} was taken out or unmounted before its scan had ended"],
        ),
        (
            scanned(verdict="incomplete", reason="engine_lost", skipped={"engine_error": 3}),
            ["the engine ended while it scanned {medium}"],
        ),
        (
            scanned(verdict="incomplete", reason="engine_changed"),
            ["the engine's signatures were exchanged while it scanned {medium}"],
        ),
        (
            scanned(
                verdict="incomplete",
                reason="unreadable: Input/output error",
                engine="",
                signatures_at_us=0,
            ),
            ["{medium} could not be scanned: {reason}"],
        ),
    ],
)
def test_an_incomplete_scan_raises_this_rule_alone(fact, messages):
    assert told(fact) == [("MED-16", message) for message in messages]


def test_how_many_entries_were_left_out_and_why_is_told():
    fact = scanned(verdict="incomplete", reason="skipped", skipped={"special": 1, "encrypted": 2})

    params = [verdict.finding.params for verdict in judged(fact)]

    assert [(one["number"], one["left_out"]) for one in params] == [
        ("2", "encrypted"),
        ("1", "special"),
    ]
