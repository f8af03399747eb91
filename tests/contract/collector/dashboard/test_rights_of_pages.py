"""Each role at each page of the network and each act on it; forms of others do nothing."""

import pytest

from checks.policy import Policy
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import POLICY, WARDS, Hospital, leak, network

PEOPLE = {"安全员": "officer", "duty": "duty", "auditor": "auditor", "admin": "admin",
          "director": "director"}  # fmt: skip
READERS = {
    "/endpoints": {"officer", "duty", "auditor", "admin", "director"},
    "/endpoints/export.csv": {"officer", "duty", "auditor", "admin", "director"},
    "/endpoints/import": {"officer"},
    "/duty": {"officer", "duty", "auditor", "admin", "director"},
    "/wall": {"officer", "duty", "auditor", "admin", "director"},
    "/hosts": {"officer", "duty", "auditor", "admin", "director"},
    "/reports": {"officer", "duty", "auditor", "admin", "director"},
    "/learning": {"officer", "duty", "auditor", "director"},
    "/policy": {"officer", "duty", "auditor", "director"},
    "/policy/replay": {"officer", "duty", "auditor", "director"},
    "/unseen": {"officer", "duty", "auditor", "admin"},
}
EVIL = {"Origin": "https://evil.example"}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    made.services.policies.apply('mode = "observe"\n' + POLICY, actor="wang")
    made.enrol(WARDS[0])
    made.tell(WARDS[0][0], network(), leak("two_way"))
    yield made
    made.close()


def in_force(hospital: Hospital) -> Policy:
    return hospital.services.policies.current()


@pytest.mark.parametrize("page", READERS)
@pytest.mark.parametrize("who", PEOPLE)
def test_a_page_is_for_its_readers_and_offers_forms_to_the_officer_only(hospital, page, who):
    answer = ask(hospital, "GET", page, who=who)

    assert answer.status_code == (200 if PEOPLE[who] in READERS[page] else 403)
    if page == "/learning":
        assert ('name="proposal"' in answer.text) is (PEOPLE[who] == "officer")


@pytest.mark.parametrize("page", ["/learning", "/policy"])
@pytest.mark.parametrize("who", [who for who, role in PEOPLE.items() if role != "officer"])
@pytest.mark.parametrize("step", ["accept", "reject"])
def test_an_act_of_anybody_else_is_refused_and_changes_nothing(hospital, page, who, step):
    before = in_force(hospital).version

    answer = ask(hospital, "POST", page, who=who, data={"step": step}, with_token=True)

    assert answer.status_code == 403
    assert in_force(hospital).version == before


@pytest.mark.parametrize(
    "page", ["/learning", "/policy", "/endpoints/nk3-017", "/endpoints/import"]
)
@pytest.mark.parametrize(
    ("what", "more"),
    [
        ("of another site", {"headers": EVIL, "with_token": True}),
        ("without a token", {"data": {"step": "reject"}}),
        ("with a made-up token", {"data": {"csrf": "0" * 64, "step": "reject"}}),
    ],
)
def test_a_forged_form_of_the_officer_does_nothing(hospital, page, what, more):
    before = in_force(hospital).version

    answer = ask(hospital, "POST", page, who="安全员", **more)

    assert answer.status_code == 403, what
    assert in_force(hospital).version == before


@pytest.mark.parametrize("page", ["/hosts", "/learning"])
def test_a_stranger_sees_nothing_and_does_nothing(hospital, page):
    assert ask(hospital, "GET", page).status_code == 303
    assert ask(hospital, "POST", page, data={"step": "accept"}).status_code in (303, 405)


@pytest.mark.parametrize(
    "query", ["?page=99999999999", "?page=-1", "?standing=%00", "?q=%ff%fe%00", "?q=" + "x" * 5000]
)
def test_the_hosts_page_bears_any_address(hospital, query):
    assert ask(hospital, "GET", "/hosts" + query, who="安全员").status_code == 200
    assert (
        "<script>alert"
        not in ask(hospital, "GET", "/hosts?q=%3Cscript%3Ealert(1)%3C/script%3E", who="安全员").text
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"ports": "9" * 5000}, {"ports": "٣"}, {"ports": "123x"}, {"ports": "70000"}, {"destinations": "\0"},
        {"destinations": "0.0.0.0/0"}, {"destinations": "1/33 " * 900}, {"endpoints": "\u202e"},
        {"expires": "2026-02-31"}, {"purpose": "x" * 100_000}, {"applicant": "a\0b"},
    ],
    ids=lambda fields: f"{next(iter(fields))}-{next(iter(fields.values()))[:9]!r}",
)  # fmt: skip
def test_a_hostile_acceptance_is_refused_in_words(hospital, fields):
    page = ask(hospital, "GET", "/learning", who="安全员").text
    proposal = page.split('name="proposal" value="')[1].split('"')[0]
    wish = {"proposal": proposal, "step": "accept", "applicant": "沈立群", "purpose": "x",
            "ticket": "1", "expires": "2099-01-01"}  # fmt: skip
    before = in_force(hospital).version

    form = {**wish, **fields}
    answer = ask(hospital, "POST", "/learning", who="安全员", data=form, with_token=True)

    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert in_force(hospital).version == before
