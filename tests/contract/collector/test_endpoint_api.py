"""The endpoint register over the API: narrowed, walked, and its lines written, by role."""

import pytest

from collector.queries.endpoints import endpoint_named
from tests.contract.test_api import Caller
from tests.support.hospital import WARDS, Hospital, health, started

NK3, ICU = WARDS[0][0], WARDS[3][0]
LINE = {"name": "NK3-PC-018", "owner": "wang", "department": "检验科", "groups": ["night"]}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"))
    for ward in WARDS:
        made.enrol(ward)
    made.tell(NK3, started(), health())
    yield made
    made.close()


@pytest.fixture
def officer(hospital):
    return Caller(hospital)


def ids(caller: Caller, query: str) -> list[str]:
    return [each["id"] for each in caller("GET", f"/endpoints?{query}").json()["endpoints"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("zone=nowhere", []),
        ("q=icu-pc", [ICU]),
        ("q=%25", []),
        ("state=outdated", []),
        ("state=online&department=重症医学科", [ICU]),
        ("zone=业务内网&limit=200", sorted(ward[0] for ward in WARDS)),
    ],
)
def test_the_list_is_narrowed_as_the_page_is(officer, query, found):
    assert ids(officer, query) == found


def test_a_narrowed_list_is_walked_by_its_cursor(officer):
    walked, cursor = [], ""
    while cursor is not None:
        page = officer("GET", f"/endpoints?zone=业务内网&limit=2&cursor={cursor}").json()
        walked += [each["id"] for each in page["endpoints"]]
        cursor = page["next"]

    assert walked == sorted(ward[0] for ward in WARDS)


def test_a_line_is_put_and_read_again(hospital, officer):
    before = officer("GET", f"/endpoints/{NK3}").json()["endpoint"]

    done = officer("PUT", f"/endpoints/{NK3}", json={**LINE, "protection_level": 2})

    assert done.status_code == 200
    line = officer("GET", f"/endpoints/{NK3}").json()["endpoint"]
    assert {**done.json()["endpoint"], "coverage": 0} == {**line, "coverage": 0}
    assert {name: line[name] for name in LINE} == LINE
    assert (line["protection_level"], line["place"], line["zone"]) == (2, "", "")
    assert (line["state"], line["version"]) == (before["state"], before["version"])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "An endpoint needs a name"),
        ({**LINE, "protection_level": 4}, "protection_level"),
        ({**LINE, "owner": "x" * 121}, "owner is longer than 120 characters"),
        ({**LINE, "place": "a\u202eb"}, "place holds characters that cannot be printed"),
        ({**LINE, "colour": "red"}, "colour"),
        ({**LINE, "groups": ["g"] * 51}, "groups"),
    ],
)
def test_a_line_that_cannot_be_is_refused_by_name(hospital, officer, body, told):
    before = endpoint_named(hospital.services.store_engine, ICU)

    refused = officer("PUT", f"/endpoints/{ICU}", json=body, headers={"Accept-Language": "en"})

    assert refused.status_code == 400
    assert told in refused.json()["detail"]
    assert endpoint_named(hospital.services.store_engine, ICU) == before


def test_nobody_enrols_by_writing_a_line(officer):
    assert officer("PUT", "/endpoints/nobody", json=LINE).status_code == 404
    assert officer("GET", "/endpoints/nobody").status_code == 404


@pytest.mark.parametrize("role", ["duty", "auditor", "admin", "director"])
def test_only_the_officer_writes(hospital, role):
    other = Caller(hospital, role)

    assert other("PUT", f"/endpoints/{ICU}", json=LINE).status_code == 403
    assert other("GET", f"/endpoints/{ICU}").json()["endpoint"]["owner"] == WARDS[3][3]
