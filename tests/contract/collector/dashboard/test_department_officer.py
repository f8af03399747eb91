"""A department's officer: the cases of the own department, and nothing of any other."""

import re

import pytest

from collector.auth import AccountRefused, add_user, create_token
from collector.cases import CaseState
from collector.dashboard.site import routes
from collector.ports import Change
from collector.queries.cases import CaseFilter, case_named, change_within, newest_cases
from collector.rights import ACT_RIGHTS, RIGHTS, Action, Role, may
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import PASSWORD, WARDS, Hospital, now_us, seeded

OWN, OTHER = "检验科", "内科三病区"
LI = "li"
OPEN = {"/cases", "/rules"}
"""Pages without a name in their address that a department's officer may see."""
TOKEN_OF_SESSION = re.compile(r'name="csrf" value="[^"]+"')
FOREIGN = [text for ward in WARDS if ward[2] != OWN for text in ward[:6]]
"""Words of the register that stand for other departments."""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = seeded(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    person = {"name": LI, "password": PASSWORD, "role": "department", "department": OWN}
    add_user(made.services.store_engine, now_us=now_us(), **person)
    yield made
    made.close()


def case_of(hospital: Hospital, department: str) -> str:
    wanted = CaseFilter(department=department)
    return newest_cases(hospital.services.store_engine, wanted, limit=1)[0].case.id


def pages(hospital: Hospital) -> list[str]:
    """Every address that may be read without naming anything."""
    told = [route for route in routes(hospital.services) if hasattr(route, "methods")]
    plain = {
        route.path for route in told if "GET" in (route.methods or ()) and "{" not in route.path
    }
    return sorted(plain - {"/live", "/login"})


def test_every_page_is_refused_or_holds_the_own_department_only(hospital):
    for page in pages(hospital):
        answer = ask(hospital, "GET", page, who=LI, follow_redirects=True)

        assert answer.status_code == (200 if page in {*OPEN, "/"} else 403), page
        assert not [word for word in FOREIGN if word in answer.text], page


def test_the_home_page_is_the_list_of_the_department(hospital):
    home = ask(hospital, "GET", "/", who=LI)
    listed = ask(hospital, "GET", "/cases?state=all", who=LI).text

    assert (home.status_code, home.headers["location"]) == (303, "/cases")
    assert case_of(hospital, OWN) in listed


@pytest.mark.parametrize(
    "query",
    [f"department={OTHER}", "department=%E2%80%92", "endpoint=nk3-017", "owner=林晓棠",
     "q=NK3", "assignee=%E2%80%92", "rule=EXT-01", "page=2", "counted=opened&during=2026"],
)  # fmt: skip
def test_no_filter_leads_out_of_the_department(hospital, query):
    answer = ask(hospital, "GET", f"/cases?state=all&{query}", who=LI)

    assert answer.status_code == 200
    assert case_of(hospital, OTHER) not in answer.text


def test_the_own_case_is_shown_without_ways_to_other_pages(hospital):
    page = ask(hospital, "GET", f"/cases/{case_of(hospital, OWN)}", who=LI)

    assert page.status_code == 200
    assert 'href="/endpoints' not in page.text
    assert 'href="/media' not in page.text
    assert not [word for word in FOREIGN if word in page.text]


def test_another_departments_case_looks_like_one_that_never_was(hospital):
    foreign, never = case_of(hospital, OTHER), "EXT-01-AAAAAAAA"
    theirs = ask(hospital, "GET", f"/cases/{foreign}", who=LI)
    nothing = ask(hospital, "GET", f"/cases/{never}", who=LI)

    assert (theirs.status_code, nothing.status_code) == (404, 404)
    assert [
        TOKEN_OF_SESSION.sub("", page.text.replace(foreign, never)) for page in (theirs, nothing)
    ] == [TOKEN_OF_SESSION.sub("", nothing.text)] * 2


@pytest.mark.parametrize("act", sorted(ACT_RIGHTS))
def test_no_act_reaches_another_departments_case(hospital, act):
    case = case_of(hospital, OTHER)
    before = case_named(hospital.services.store_engine, case)
    form = {"act": act, "reason": "because", "to": LI}

    answer = ask(hospital, "POST", f"/cases/{case}", who=LI, data=form, with_token=True)

    assert answer.status_code in (403, 404)
    assert case_named(hospital.services.store_engine, case) == before


def test_a_foreign_case_among_the_ticked_ones_stops_all_of_them(hospital):
    own, foreign = case_of(hospital, OWN), case_of(hospital, OTHER)

    answer = ask(hospital, "POST", "/cases", who=LI, data={"case": [own, foreign]}, with_token=True)

    assert answer.status_code == 409
    states = [
        case_named(hospital.services.store_engine, case).case.state for case in (own, foreign)
    ]
    assert states == [CaseState.AWAITING_ACKNOWLEDGEMENT] * 2


def test_the_own_case_is_acknowledged_and_explained_but_not_decided(hospital):
    case = f"/cases/{case_of(hospital, OWN)}"
    told = {"who": LI, "with_token": True}

    comment = {"act": "comment", "reason": "the stick was the lab's own"}
    assert ask(hospital, "POST", case, data=comment, **told).status_code == 303
    assert ask(hospital, "POST", case, data={"act": "acknowledge"}, **told).status_code == 303
    for decision in ("close", "false_alarm", "verify", "assign"):
        form = {"act": decision, "reason": "x"}
        assert ask(hospital, "POST", case, data=form, **told).status_code == 403, decision
    assert "the stick was the lab" in ask(hospital, "GET", case, who="安全员").text


def test_changes_of_other_departments_are_not_heard(hospital):
    own, foreign = case_of(hospital, OWN), case_of(hospital, OTHER)
    heard = Change(cases=(foreign, own), endpoints=("nk3-017",), entry=7)

    told = change_within(hospital.services.store_engine, heard, OWN)

    assert told == Change(cases=(own,), entry=7)


@pytest.mark.parametrize(
    ("role", "department", "why"),
    [
        ("department", "", "needs the department"),
        ("department", " 检验科", "needs the department"),
        ("officer", "检验科", "Only the role department"),
    ],
)
def test_who_belongs_to_a_department_is_said_when_the_account_is_made(
    hospital, role, department, why
):
    person = {"name": "zhao", "password": PASSWORD, "role": role, "department": department}
    with pytest.raises(AccountRefused, match=why):
        add_user(hospital.services.store_engine, now_us=now_us(), **person)


def test_no_token_has_the_role_of_a_department(hospital):
    with pytest.raises(AccountRefused, match="tokens are for the whole hospital"):
        create_token(hospital.services.store_engine, name="x", role="department", now_us=now_us())


def test_what_a_department_may(hospital):
    assert {action for action in RIGHTS if may(Role.DEPARTMENT, action)} == {
        Action.SEE_CASES,
        Action.ANSWER_CASES,
    }
