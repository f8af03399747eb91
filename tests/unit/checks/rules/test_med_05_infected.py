from checks.facts.media import Infection, MediumScanned
from tests.samples import NOW_US, STICK, judged, rules_raised


def scanned(verdict, **changes):
    return MediumScanned(
        medium=STICK,
        mount_point="/media/a",
        verdict=verdict,
        engine="ClamAV 1.4.6",
        signatures_at_us=NOW_US,
        **changes,
    )


def test_each_signature_is_named_once():
    found = (Infection(signature="Eicar"), Infection(signature="Eicar"), Infection(signature="B"))

    [verdict] = judged(scanned("infected", infections=found))

    assert verdict.rule == "MED-05"
    assert verdict.finding.params["signatures"] == "B, Eicar"
    assert verdict.finding.params["files"] == "3"


def test_a_clean_scan_is_no_finding():
    assert rules_raised(scanned("clean")) == []


def test_an_incomplete_scan_found_nothing():
    assert "MED-05" not in rules_raised(scanned("incomplete"))
