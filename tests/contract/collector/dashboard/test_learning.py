"""The page of proposals, in both languages, and what the officer's form does."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import POLICY, WARDS, Hospital, leak, network

SOON = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    made.services.policies.apply('mode = "observe"\n' + POLICY, actor="wang")
    made.enrol(WARDS[0])
    made.tell(WARDS[0][0], network(), leak("two_way"))
    yield made
    made.close()


def post(hospital, **fields):
    page = ask(hospital, "GET", "/learning", who="安全员").text
    proposal = re.search(r'name="proposal" value="([^"]+)"', page)
    assert proposal
    form = {"proposal": proposal[1], **fields}
    return ask(hospital, "POST", "/learning", who="安全员", data=form, with_token=True)


@pytest.mark.parametrize(
    ("language", "heading"), [("en", "Proposed entries"), ("zh_CN", "建议条目")]
)
def test_the_page_shows_what_was_reached_in_both_languages(hospital, language, heading):
    page = ask(hospital, "GET", "/learning", who="安全员", language=language)

    assert page.status_code == 200
    assert heading in page.text
    assert "198.51.100.77/32" in page.text


def test_an_accepted_entry_is_in_the_policy_and_gone_from_the_page(hospital):
    answer = post(
        hospital,
        step="accept",
        applicant="检验科",
        purpose="时间同步",
        expires=SOON,
        destinations="198.51.100.77/32",
        ports="123",
    )

    assert answer.status_code == 303
    [entry] = hospital.services.policies.current().approved
    assert (entry.ports, entry.approver) == ((123,), "安全员")
    assert "198.51.100.77" not in ask(hospital, "GET", "/learning", who="安全员").text


def test_a_rejected_entry_is_gone_from_the_page(hospital):
    assert post(hospital, step="reject", reason="不需要").status_code == 303
    assert "198.51.100.77" not in ask(hospital, "GET", "/learning", who="安全员").text


def test_a_form_without_an_end_is_refused_in_words(hospital):
    answer = post(hospital, step="accept", applicant="a", purpose="b", expires="")

    assert answer.status_code == 400
    assert "Please say until when" in answer.text


def test_the_auditor_reads_and_has_no_form(hospital):
    page = ask(hospital, "GET", "/learning", who="auditor").text

    assert "198.51.100.77/32" in page
    assert 'name="proposal"' not in page
