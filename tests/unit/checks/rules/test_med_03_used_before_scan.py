import pytest

from checks.facts.base import UnknownProcess
from checks.facts.holding import MediumHeld
from checks.facts.media import MediumAccessed
from tests.samples import CURL, STICK, judged, rules_raised


@pytest.mark.parametrize(
    ("scan", "raised"),
    [
        ("not_started", ["MED-03"]),
        ("running", ["MED-03"]),
        ("infected", ["MED-03"]),
        ("incomplete", ["MED-03"]),
        ("not_scanned", ["MED-03"]),
        ("clean", []),
    ],
)
def test_a_file_may_be_opened_only_after_a_clean_scan(scan, raised):
    accessed = MediumAccessed(
        medium=STICK, mount_point="/media/a", operation="open", scan=scan, process=CURL
    )

    assert rules_raised(accessed) == raised


def test_what_was_read_before_the_watch_is_told_as_such_and_of_nobody():
    accessed = MediumAccessed(
        medium=STICK,
        mount_point="/media/a",
        operation="open",
        scan="not_started",
        process=UnknownProcess(why="before_watch"),
    )

    (verdict,) = judged(accessed)

    assert "{process}" not in verdict.finding.message
    assert "before the watch of it began" in verdict.finding.message


@pytest.mark.parametrize(
    ("action", "ground", "raised"),
    [
        ("released", "emergency", ["MED-03"]),
        ("released", "clean", []),
        ("released", "in_use", []),
        ("released", "policy", []),
        ("held", "", []),
        ("kept", "infected", []),
    ],
)
def test_a_held_medium_released_in_an_emergency_is_reviewed(action, ground, raised):
    held = MediumHeld(
        medium=STICK, action=action, ground=ground, actor="root", name="Dr Li", reason="theatre"
    )

    assert rules_raised(held) == raised
