"""The legal clock of a critical case, on real pages."""

import re

import pytest

from collector.queries.cases import CaseFilter, report_clock, urgent_cases
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import POLICY, WARDS, Hospital, leak, network, now_us, outside

OFFICER = "安全员"
HOUR_US = 3600 * 1_000_000


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    made.enrol(WARDS[0])
    yield made
    made.close()


def seen(hospital, *facts, rule):
    hospital.tell(WARDS[0][0], network(), *facts)
    return case_of(hospital, rule)


def case_of(hospital, rule):
    store = hospital.services.store_engine
    [row] = urgent_cases(store, CaseFilter(rules=(rule,)), now_us=now_us(), limit=2, offset=0)
    return row.case


def does(hospital, case, act, *, who=OFFICER, **data):
    asked = {"act": act, **data}
    return ask(hospital, "POST", f"/cases/{case.id}", who=who, data=asked, with_token=True)


def plain(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text))


@pytest.mark.parametrize("within", [4, 1])
def test_a_critical_case_counts_down_from_the_moment_it_is_known(hospital, within):
    text = POLICY + f'\n[cases]\nreport_within = "{within}h"\n'
    hospital.services.policies.apply(text, actor="wang")
    case = seen(hospital, outside(), rule="EXT-01")

    page = ask(hospital, "GET", f"/cases/{case.id}", who=OFFICER)

    assert case.report_due_us == case.opened_us + within * HOUR_US
    assert "Not judged yet · to be reported until" in plain(page)
    assert "Report within" in plain(page)


def test_what_is_not_critical_has_no_such_clock(hospital):
    case = seen(hospital, leak("two_way"), rule="EXT-06")

    assert case.report_due_us == 0
    assert 'id="report"' not in ask(hospital, "GET", f"/cases/{case.id}", who=OFFICER).text


def test_judged_and_reported_it_can_be_closed(hospital):
    case = seen(hospital, outside(), rule="EXT-01")
    does(hospital, case, "judge_major", to="yes", reason="records left")
    refused = does(hospital, case, "close", reason="done")
    assert refused.status_code == 409
    assert "closed when it was reported" in refused.text

    does(hospital, case, "report", reason="<b>2026</b>-17")

    page = ask(hospital, "GET", f"/cases/{case.id}", who=OFFICER)
    assert "&lt;b&gt;2026&lt;/b&gt;-17" in page.text
    assert "Report within" not in plain(page)
    assert report_clock(case_of(hospital, "EXT-01")) is None
    assert does(hospital, case, "close", reason="done").status_code == 303


def test_what_is_no_major_incident_ends_the_clock(hospital):
    case = seen(hospital, outside(), rule="EXT-01")

    does(hospital, case, "judge_major", to="no", reason="a test telephone")

    page = ask(hospital, "GET", f"/cases/{case.id}", who=OFFICER)
    assert "No major incident" in plain(page)
    assert "Report within" not in plain(page)
    assert "a test telephone" in plain(page)


@pytest.mark.parametrize("who", ["duty", "auditor", "director", "admin"])
def test_whoever_decides_no_cases_judges_none(hospital, who):
    case = seen(hospital, outside(), rule="EXT-01")

    assert does(hospital, case, "judge_major", who=who, to="no", reason="x").status_code == 403
    assert case_of(hospital, "EXT-01").major == ""
