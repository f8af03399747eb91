"""A false alarm is confirmed by a second person, on real pages."""

import re

import pytest

from collector.auth import add_user
from collector.queries.cases import CaseFilter, count_cases, story_of, urgent_cases
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import PASSWORD, POLICY, WARDS, Hospital, leak, network, now_us

FIRST, SECOND = "安全员", "second"
WHY = "a <b>test</b> of the cable"


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    add_user(
        made.services.store_engine, name=SECOND, password=PASSWORD, role="officer", now_us=now_us()
    )
    made.enrol(WARDS[0])
    made.tell(WARDS[0][0], network(), leak("two_way"))
    yield made
    made.close()


@pytest.fixture
def case(hospital):
    return only_case(hospital).id


def only_case(hospital):
    wanted = CaseFilter(rules=("EXT-06",))
    store = hospital.services.store_engine
    [row] = urgent_cases(store, wanted, now_us=now_us(), limit=2, offset=0)
    return row.case


def does(hospital, case, act, *, who, reason=""):
    data = {"act": act, "reason": reason}
    return ask(hospital, "POST", f"/cases/{case}", who=who, data=data, with_token=True)


def offered(page):
    return re.findall(r'name="act" value="(\w+)"', page.text)


def test_who_calls_it_so_cannot_confirm_it_and_somebody_else_can(hospital, case):
    assert does(hospital, case, "false_alarm", who=FIRST, reason=WHY).status_code == 303
    own = ask(hospital, "GET", f"/cases/{case}", who=FIRST)
    other = ask(hospital, "GET", f"/cases/{case}", who=SECOND)

    assert "confirm_false_alarm" not in offered(own)
    assert "you may take it back" in own.text
    assert "confirm_false_alarm" in offered(other)
    for page in (own, other):
        assert "a &lt;b&gt;test&lt;/b&gt; of the cable" in page.text
        assert "close" not in offered(page)
    refused = does(hospital, case, "confirm_false_alarm", who=FIRST)
    assert refused.status_code == 409
    assert "Somebody else must confirm the false alarm" in refused.text
    assert only_case(hospital).is_open

    assert does(hospital, case, "confirm_false_alarm", who=SECOND).status_code == 303

    assert only_case(hospital).state == "false_alarm"
    told = [(line.actor, line.act) for line in story_of(hospital.services.store_engine, case)]
    assert told[:2] == [(SECOND, "confirm_false_alarm"), (FIRST, "false_alarm")]


@pytest.mark.parametrize("who", ["duty", "auditor", "director", "admin"])
def test_whoever_may_not_decide_cases_confirms_none(hospital, case, who):
    does(hospital, case, "false_alarm", who=FIRST, reason=WHY)

    assert does(hospital, case, "confirm_false_alarm", who=who).status_code == 403
    assert only_case(hospital).is_open


def test_those_that_wait_for_a_second_person_can_be_listed(hospital, case):
    store = hospital.services.store_engine
    assert count_cases(store, CaseFilter(only_proposed=True)) == 0
    does(hospital, case, "false_alarm", who=FIRST, reason=WHY)

    page = ask(hospital, "GET", "/cases?state=proposed", who=SECOND)

    assert count_cases(store, CaseFilter(only_proposed=True)) == 1
    assert page.text.count("data-row=") == 1
    assert "False alarm, to be confirmed" in page.text


def test_rejected_with_a_reason_it_goes_on(hospital, case):
    does(hospital, case, "false_alarm", who=FIRST, reason=WHY)
    assert does(hospital, case, "reject_false_alarm", who=SECOND).status_code == 409
    does(hospital, case, "reject_false_alarm", who=SECOND, reason="it was a phone")

    page = ask(hospital, "GET", f"/cases/{case}", who=SECOND)

    assert only_case(hospital).proposed_by == ""
    assert {"acknowledge", "close", "false_alarm"} <= {*offered(page)}
    assert "it was a phone" in page.text


def test_one_person_may_where_the_policy_says_so(hospital, case):
    alone = POLICY + "\n[cases]\nsecond_person = false\n"
    hospital.services.policies.apply(alone, actor=FIRST)

    does(hospital, case, "false_alarm", who=FIRST, reason=WHY)

    assert only_case(hospital).state == "false_alarm"
