"""How the last run ended, and what changed since."""

import pytest

from agent.integrity import Fingerprint
from agent.lifeline import Beat, previous_end, unannounced_changes

OLD = Fingerprint(binary="a", configuration="c")
NEW = Fingerprint(binary="b", configuration="c")


def beat(*, goodbye=False, upgrade=False):
    return Beat(boot="one", at_us=1, fingerprint=OLD, goodbye=goodbye, upgrade=upgrade)


@pytest.mark.parametrize(
    ("before", "boot", "ended"),
    [
        (None, "one", "first"),
        (beat(goodbye=True), "one", "goodbye"),
        (beat(goodbye=True), "two", "goodbye"),
        (beat(), "one", "killed"),
        (beat(), "two", "reboot"),
    ],
)
def test_the_last_beat_tells_how_the_run_ended(before, boot, ended):
    assert previous_end(before, boot) == ended


@pytest.mark.parametrize(
    ("before", "changed"),
    [
        (None, ()),
        (beat(), ("binary",)),
        (beat(goodbye=True), ("binary",)),
        (beat(goodbye=True, upgrade=True), ()),
    ],
)
def test_a_new_program_is_a_change_unless_an_upgrade_announced_it(before, changed):
    assert unannounced_changes(before, NEW) == changed


def test_a_beat_that_somebody_took_away_does_not_make_it_the_first_run():
    assert previous_end(None, "boot-1", has_run=True) == "killed"
    assert previous_end(None, "boot-1", has_run=False) == "first"
