"""A replay that is asked for on the policy's page: a real process, its result on a page."""

import re

import pytest

from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import POLICY, WARDS, Hospital, leak, network

AGENT, NAME, DEPARTMENT = WARDS[0][:3]
PATIENCE = 60
OTHER = POLICY + '\n[rules.EXT-06]\nseverity = "notice"\n'


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    made.enrol(WARDS[0])
    made.tell(AGENT, network(), leak("two_way"))
    yield made
    made.close()


def replay(hospital, text, **more):
    data = {"step": "replay", "text": text, "days": "7", **more}
    return ask(hospital, "POST", "/policy", who="安全员", data=data, with_token=True)


def result(hospital, *, who="安全员"):
    assert hospital.services.replays.wait(PATIENCE)
    page = ask(hospital, "GET", "/policy/replay", who=who)
    assert "every 2s" not in page.text
    return page


def plain(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page.text))


def test_before_the_first_the_page_says_what_to_do(hospital):
    fresh = ask(hospital, "GET", "/policy/replay", who="auditor")

    assert fresh.status_code == 200
    assert "Nothing was replayed yet" in fresh.text


def test_what_would_change_is_told_with_ways_to_the_cases(hospital):
    before = hospital.services.policies.current().version
    assert replay(hospital, OTHER).headers["location"] == "/policy/replay"

    page = result(hospital)

    told = plain(page)
    assert f"Cases of policy version {before}: 1; of this one: 1" in told
    assert "1 of another severity" in told
    assert "Would have another severity" in told
    assert NAME in told
    assert "was High" in told
    way = re.search(r'<a class="ww-item-link" href="(/cases/EXT-06-[A-Z0-9]+)"', page.text)[1]
    assert ask(hospital, "GET", way, who="安全员").status_code == 200
    assert hospital.services.policies.current().version == before


def test_the_auditor_sees_it_without_a_way_to_apply(hospital):
    replay(hospital, OTHER)

    page = result(hospital, who="auditor")

    assert "Would have another severity" in page.text
    assert "To the editor" not in page.text


def test_a_policy_that_cannot_be_used_is_not_replayed(hospital):
    refused = replay(hospital, "mode = 7\n")

    assert refused.status_code == 400
    assert "mode" in plain(refused)


def test_one_at_a_time(hospital):
    result(hospital)
    services = hospital.services

    began = [
        services.replays.start(OTHER, running=POLICY, version=1, days=days, actor=f"{days}")
        for days in (7, 30)
    ]

    assert began == [True, False]
    result(hospital)
    asked, said = services.replays.last()
    assert (asked.actor, said.compared.running, said.error) == ("7", 1, "")
