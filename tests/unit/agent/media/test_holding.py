import pytest

from agent.media.engine import EngineVersion
from agent.media.holding import Cleared, Pace, Ruling, is_meant, ruling
from agent.media.scan import ScanOutcome
from checks.policy import parse_policy

DAY_US = 86_400_000_000
NOW_US = 100 * DAY_US
POLICY = parse_policy("")


def ended(verdict, reason="", *, age_days=1):
    built_us = NOW_US - age_days * DAY_US
    return ScanOutcome(
        verdict=verdict, reason=reason, version=EngineVersion("ClamAV", "1", built_us)
    )


CLEAN = ended("clean")


@pytest.mark.parametrize(
    ("outcomes", "refusals", "decided"),
    [
        ([CLEAN], [], Ruling(released=True, ground="clean")),
        ([CLEAN, CLEAN], [], Ruling(released=True, ground="clean")),
        ([CLEAN, ended("infected")], [], Ruling(released=False, ground="infected")),
        (
            [ended("incomplete", "skipped"), CLEAN],
            [],
            Ruling(released=False, ground="incomplete", reason="skipped"),
        ),
        (
            [ended("not_scanned", "engine_absent")],
            [],
            Ruling(released=False, ground="not_scanned", reason="engine_absent"),
        ),
        (
            [ended("incomplete"), ended("infected")],
            ["no driver for x"],
            Ruling(released=False, ground="infected"),
        ),
        (
            [CLEAN],
            ["no driver for BitLocker"],
            Ruling(released=False, ground="no_file_system", reason="no driver for BitLocker"),
        ),
        ([], [], Ruling(released=False, ground="no_file_system")),
        ([ended("clean", age_days=40)], [], Ruling(released=False, ground="signatures_old")),
        (
            [ScanOutcome(verdict="clean", version=EngineVersion("ClamAV"))],
            [],
            Ruling(released=False, ground="signatures_old"),
        ),
    ],
)
def test_a_medium_is_released_only_when_all_of_it_was_scanned_clean(outcomes, refusals, decided):
    assert ruling(outcomes, refusals, POLICY, NOW_US) == decided


def test_nobody_knows_how_long_the_first_scan_takes():
    assert Pace().estimate(1_000_000) == 0


def test_later_scans_are_expected_to_be_as_fast_as_the_earlier_ones():
    pace = Pace()
    pace.scanned(10_000_000, 2.0)
    pace.scanned(10_000_000, 2.0)

    assert pace.estimate(50_000_000) == 12


def test_a_medium_is_meant_by_any_of_its_names_but_not_by_none():
    assert is_meant("S1", names=["/dev/sdb", "S1"])
    assert not is_meant("S2", names=["/dev/sdb", "S1"])
    assert not is_meant("", names=["/dev/sdb", ""])


def test_what_was_cleared_is_forgotten_with_its_disk():
    cleared = Cleared()
    cleared.add("/sys/sdb", [17, 18])
    cleared.add("/sys/sdc", [33])

    cleared.drop("/sys/sdb")

    assert 17 not in cleared
    assert 33 in cleared
