"""Whose case it is: on real pages, with real accounts."""

import pytest

from collector.acts import workers
from collector.cases import NO_SUCH_PERSON, ActRefused
from collector.queries.cases import NOBODY, CaseFilter, count_cases, story_of, urgent_cases
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import WARDS, Hospital, leak, network, now_us

OFFICER = "安全员"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    made.enrol(WARDS[0])
    made.tell(WARDS[0][0], network(), leak("two_way"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def case(hospital):
    return row(hospital).id


def row(hospital, **narrowed):
    wanted = CaseFilter(rules=("EXT-06",), **narrowed)
    store = hospital.services.store_engine
    [found] = urgent_cases(store, wanted, now_us=now_us(), limit=2, offset=0)
    return found.case


def assign(hospital, case, to, *, who=OFFICER):
    data = {"act": "assign", "to": to}
    return ask(hospital, "POST", f"/cases/{case}", who=who, data=data, with_token=True)


def test_only_those_who_work_on_cases_are_offered(hospital, case):
    page = ask(hospital, "GET", f"/cases/{case}", who=OFFICER)

    assert workers(hospital.services.store_engine) == ["duty", OFFICER]
    for name, offered in ((OFFICER, True), ("duty", True), ("auditor", False), ("admin", False)):
        assert (f'<option value="{name}"' in page.text) is offered
    assert 'value="assign"' not in ask(hospital, "GET", f"/cases/{case}", who="auditor").text


def test_it_is_taken_handed_on_and_left_and_the_story_tells_each(hospital, case):
    store = hospital.services.store_engine
    assert "Take it on myself" in ask(hospital, "GET", f"/cases/{case}", who="duty").text
    for who, to in (("duty", "duty"), ("duty", OFFICER), (OFFICER, "")):
        assert assign(hospital, case, to, who=who).status_code == 303
        assert row(hospital).assignee == to

    told = [(line.actor, line.detail["to"]) for line in story_of(store, case)[:3]]

    assert told == [(OFFICER, ""), ("duty", OFFICER), ("duty", "duty")]


def test_the_list_narrows_to_ones_own_and_to_nobodys(hospital, case):
    store = hospital.services.store_engine
    assign(hospital, case, "duty")

    own = ask(hospital, "GET", "/cases?assignee=duty", who="duty")
    others = ask(hospital, "GET", f"/cases?assignee={NOBODY}", who="duty")

    assert f'data-row="{case}"' in own.text
    assert "duty · myself" in own.text
    assert f'data-row="{case}"' not in others.text
    assert count_cases(store, CaseFilter(assignee=OFFICER)) == 0


@pytest.mark.parametrize("to", ["auditor", "no-such-person", "x" * 500])
def test_nobody_else_can_be_given_a_case(hospital, case, to):
    before = row(hospital).assignee

    refused = assign(hospital, case, to)

    assert refused.status_code == 409
    assert "works on cases here" in refused.text
    assert row(hospital).assignee == before
    with pytest.raises(ActRefused) as told:
        hospital.services.acts.on_case(case, "assign", actor=OFFICER, to=to)
    assert told.value.message == NO_SUCH_PERSON


def test_who_only_reads_assigns_nothing(hospital, case):
    assert assign(hospital, case, "duty", who="auditor").status_code == 403
