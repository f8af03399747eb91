import pytest

from checks.facts.scan_late import ScanLate
from tests.samples import STICK, judged


@pytest.mark.parametrize(
    ("what", "message", "decided_by"),
    [
        (
            "not_started",
            "the scan of {medium} did not start within {allowed} seconds",
            "thresholds.scan_starts_within 30s",
        ),
        (
            "not_finished",
            "the scan of {medium} ({used} MB) did not end within {allowed} seconds",
            "thresholds.scan_ends_within 60s",
        ),
    ],
)
def test_a_late_scan_names_what_was_allowed(what, message, decided_by):
    late = ScanLate(medium=STICK, mount_point="/media/a", what=what, allowed=62, used=100_000_000)

    (verdict,) = judged(late)

    assert verdict.rule == "MED-04"
    assert verdict.finding.message == message
    assert verdict.finding.decided_by == decided_by
    assert (verdict.finding.params["allowed"], verdict.finding.params["used"]) == ("62", "100")
