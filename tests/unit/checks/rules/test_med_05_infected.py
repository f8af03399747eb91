import msgspec

from checks.facts.media import Infection, MediumScanned
from checks.facts.media_register import MediumStanding, Whereabouts
from checks.facts.quarantine import FilesQuarantined, QuarantinedFile
from tests.samples import ENDPOINT, NOW_US, STICK, judged, rules_raised


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


def test_of_two_engines_the_one_that_found_it_is_named():
    found = (Infection(signature="Eicar", engine="Second 2"),)
    both = msgspec.structs.replace(scanned("infected", infections=found), engine="First + Second 2")

    [verdict] = judged(both)

    assert verdict.finding.params["engine"] == "Second 2"


def test_a_clean_scan_is_no_finding():
    assert rules_raised(scanned("clean")) == []


def test_an_incomplete_scan_found_nothing():
    assert "MED-05" not in rules_raised(scanned("incomplete"))


def spread(*seen, clean_us=0):
    standing = MediumStanding(key=STICK.key, seen=seen, clean_us=clean_us)
    [verdict] = judged(scanned("infected"), standing=standing)
    return verdict.finding


def test_the_other_endpoints_since_the_last_clean_scan_are_named():
    found = spread(
        Whereabouts(endpoint=ENDPOINT.id, last_us=90),
        Whereabouts(endpoint="b", name="WARD-B", last_us=50),
        Whereabouts(endpoint="c", last_us=40),
        Whereabouts(endpoint="d", name="WARD-D", last_us=39),
        clean_us=40,
    )

    assert found.params["spread"] == "WARD-B, c"
    assert "also used at {spread}" in found.message


def test_without_any_clean_scan_every_endpoint_is_named():
    assert spread(Whereabouts(endpoint="b", last_us=1)).params["spread"] == "b"


def test_where_it_was_nowhere_else_nothing_is_said_of_it():
    found = spread(Whereabouts(endpoint=ENDPOINT.id, last_us=90))

    assert "spread" not in found.params
    assert found.message == "{engine} found {signatures} in {files} file(s) on {medium}"


def test_what_became_of_infected_files_joins_the_case_of_the_scan():
    files = (
        QuarantinedFile(signature="Eicar", end="moved"),
        QuarantinedFile(signature="Eicar", end="full"),
    )
    fact = FilesQuarantined(medium=STICK, mount_point="/media/a", files=files)

    [verdict] = judged(fact)

    assert verdict.rule == "MED-05"
    assert verdict.finding.subject == STICK.key
    assert (verdict.finding.params["moved"], verdict.finding.params["files"]) == ("1", "2")
