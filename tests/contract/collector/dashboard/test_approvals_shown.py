"""The policy page lists every approval with its end, and refuses one that lasts too long."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import Hospital


def day(distance: int) -> str:
    return (datetime.now(UTC) + timedelta(days=distance)).date().isoformat()


def entry(name: str, expires: str) -> str:
    return (
        f'[[approved]]\nname = "{name}"\ndestinations = ["203.0.113.9/32"]\nexpires = {expires}\n'
    )


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    text = entry("<b>ended</b>", day(-3)) + entry("soon", day(3)) + entry("long", day(200))
    made.services.policies.apply(text, actor="wu")
    yield made
    made.close()


def test_every_approval_stands_on_the_policy_page_with_its_state(hospital):
    english = ask(hospital, "GET", "/policy", who="安全员").text
    chinese = ask(hospital, "GET", "/policy", who="安全员", language="zh_CN").text

    rows = english.split('id="approvals"')[1].split("<tr")[2:]
    said = [next(s for s in ("expired", "ends soon", "valid") if f">{s}<" in row) for row in rows]
    assert said == ["expired", "ends soon", "valid"]
    assert "<b>ended</b>" not in english
    assert "即将到期" in chinese


def test_an_approval_that_lasts_too_long_is_refused_by_name(hospital):
    answer = ask(
        hospital, "POST", "/policy", who="安全员", with_token=True,
        data={"text": entry("for ever", "2099-01-01"), "step": "check"},
    )  # fmt: skip

    assert answer.status_code == 400
    assert "12 months at most" in answer.text


def test_an_approval_that_does_not_say_who_stands_for_it_is_marked(hospital):
    whole = entry("whole", day(200)) + (
        'applicant = "shen"\napprover = "wu"\nticket = "7"\npurpose = "time"\n'
    )
    hospital.services.policies.apply(entry("bare", day(200)) + whole, actor="wu")

    page = ask(hospital, "GET", "/policy", who="安全员").text

    bare, complete = page.split('id="approvals"')[1].split("<tr")[2:]
    assert "not said in the policy: applicant, approver, ticket, purpose" in bare
    assert "not said" not in complete


def test_a_policy_written_over_an_older_version_is_refused_with_what_it_would_change(hospital):
    own = {"text": entry("mine", day(200)), "step": "apply"}
    stale = str(hospital.services.policies.current().version)
    hospital.services.policies.apply(entry("theirs", day(200)), actor="li")

    def post(version):
        return ask(
            hospital, "POST", "/policy", who="安全员", with_token=True,
            data={**own, "version": version},
        )  # fmt: skip

    refused = post(stale)
    seen = str(hospital.services.policies.current().version)
    again = post(seen)

    assert refused.status_code == 409
    assert "applied by li, is in force now" in refused.text
    assert 'ww-diff-removed">-name = &#34;theirs&#34;' in refused.text
    assert f'name="version" value="{seen}"' in refused.text
    assert again.status_code == 303
    assert [one.name for one in hospital.services.policies.current().approved] == ["mine"]


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 5000, "٣"])
def test_a_version_that_is_none_is_refused(hospital, version):
    answer = ask(
        hospital, "POST", "/policy", who="安全员", with_token=True,
        data={"text": entry("mine", day(200)), "step": "apply", "version": version},
    )  # fmt: skip

    assert answer.status_code == 409
