"""The media register over the API, by role."""

import pytest

from checks.facts.media import MediumAttached
from tests.contract.test_api import Caller
from tests.support.hospital import USB, WARDS, Hospital

LINE = {"key": USB.key, "owner": "wang", "department": "检验科"}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"))
    made.enrol(WARDS[0])
    made.tell(WARDS[0][0], MediumAttached(medium=USB))
    yield made
    made.close()


@pytest.fixture
def officer(hospital):
    caller = Caller(hospital)
    yield caller
    caller("DELETE", "/media/R-1", json={"reason": "test"})


def test_a_line_is_put_read_listed_changed_and_taken_out(officer):
    made = officer("PUT", "/media/R-1", json=LINE)
    assert (made.status_code, made.json()["state"]) == (200, "in_use")
    assert made.json()["plugged_in_at"] == [WARDS[0][0]]

    changed = officer("PUT", "/media/R-1", json={**LINE, "uses": 3, "expires": "2027-06-30"})
    assert (changed.json()["uses"], changed.json()["expires"]) == (3, "2027-06-30")

    [line] = officer("GET", "/media?registered=true").json()["register"]
    assert line == officer("GET", "/media/R-1").json()
    [seen] = officer("GET", "/media").json()["media"]
    assert seen["number"] == "R-1"

    gone = officer("DELETE", "/media/R-1", json={"reason": "broken"})
    assert gone.json() == {"number": "R-1"}
    assert officer("GET", "/media/R-1").status_code == 404
    assert officer("GET", "/media").json()["media"][0]["number"] == ""


def test_lines_are_walked_by_cursor(officer):
    numbers = [f"R-{n}" for n in range(1, 6)]
    for number in numbers:
        officer("PUT", f"/media/{number}", json={"serial": number})
    walked, cursor = [], ""
    while cursor is not None:
        page = officer("GET", f"/media?registered=true&limit=2&cursor={cursor}").json()
        walked += [line["number"] for line in page["register"]]
        cursor = page["next"]
    for number in numbers:
        officer("DELETE", f"/media/{number}")

    assert walked == numbers


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "key or its serial number"),
        ({**LINE, "kind": "red"}, "kind"),
        ({**LINE, "hours": "noon"}, "noon is no time of the week"),
        ({**LINE, "uses": -1}, "uses"),
        ({**LINE, "colour": "red"}, "colour"),
    ],
)
def test_a_line_that_cannot_be_is_refused_by_name(officer, body, told):
    refused = officer("PUT", "/media/R-1", json=body, headers={"Accept-Language": "en"})

    assert refused.status_code == 400
    assert told in refused.json()["detail"]
    assert officer("GET", "/media/R-1").status_code == 404


def test_a_line_that_is_not_there_cannot_be_taken_out(officer):
    assert officer("DELETE", "/media/R-77").status_code == 404


@pytest.mark.parametrize("role", ["duty", "auditor", "admin", "director"])
def test_everybody_reads_and_only_the_officer_writes(hospital, officer, role):
    officer("PUT", "/media/R-1", json=LINE)
    other = Caller(hospital, role)

    assert other("GET", "/media/R-1").status_code == 200
    assert other("PUT", "/media/R-1", json={**LINE, "owner": "me"}).status_code == 403
    assert other("DELETE", "/media/R-1").status_code == 403
    assert officer("GET", "/media/R-1").json()["owner"] == "wang"
