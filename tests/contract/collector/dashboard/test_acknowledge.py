"""Acknowledging by the link of a mail: real pages, journal, judge and SMTP."""

import asyncio
import re

import httpx
import pytest
from sqlalchemy import select
from starlette.applications import Starlette

from checks.check import discover
from collector import dashboard
from collector.alerts.links import Links, Pass
from collector.alerts.mailer import Mailer
from collector.alerts.smtp import SmtpSettings, SmtpTransport
from collector.dashboard.acknowledge import standing_of
from collector.queries.cases import case_named, story_of
from collector.store import schema
from tests.contract.collector.dashboard.test_door import SITE
from tests.fakes.mailserver import Mailbox, serving
from tests.support.hospital import (
    HOUR_US,
    POLICY,
    USB,
    WARDS,
    Hospital,
    mounted,
    network,
    now_us,
    outside,
    started,
)

DUTY = "duty@hospital.example"
HEAD = "head@hospital.example"
TWO = POLICY + f'\n[[mail.recipients]]\naddress = "{HEAD}"\n'
LINK = re.compile(rf"{SITE}(/ack/[\w-]+)")


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    made.enrol(WARDS[0])
    made.tell(WARDS[0][0], started(), network(), outside())
    yield made
    made.close()


def case_of(hospital, rule: str = "EXT-01") -> str:
    cases = schema.cases.c
    with hospital.services.store_engine.connect() as reading:
        return reading.execute(select(cases.id).where(cases.rule == rule)).scalars().one()


def mailed(hospital, port) -> None:
    services = hospital.services
    mailer = Mailer(
        journal=services.journal,
        store=services.store_engine,
        policies=services.policies,
        checks=discover(),
        clock=services.clock,
        transport=SmtpTransport(
            SmtpSettings(host="127.0.0.1", port=port, sender="w@hospital.example", timeout_s=5.0)
        ),
        links=services.links,
        sender="w@hospital.example",
        base_url=services.base_url,
    )
    assert mailer.step()


def path_in(mail) -> str:
    found = LINK.search(mail.get_body(("plain",)).get_content())
    assert found
    return found[1]


def path_for(hospital, *, address=DUTY, case="", lasts_us=HOUR_US) -> str:
    made = Pass(case or case_of(hospital), address, now_us() + lasts_us)
    return f"/ack/{hospital.services.links.token(made)}"


class Site:
    """One process's pages, so that what it remembers of callers lasts."""

    def __init__(self, hospital: Hospital) -> None:
        self._application = Starlette(routes=dashboard.routes(hospital.services))

    def ask(self, method: str, path: str, *, address: str = "10.20.3.9", language: str = "en"):
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._application, client=(address, 50_000))
            async with httpx.AsyncClient(transport=transport, base_url=SITE) as client:
                return await client.request(method, path, headers={"Accept-Language": language})

        return asyncio.run(asked())


def test_every_recipient_gets_a_link_of_his_own_and_the_first_one_acknowledges(hospital, tmp_path):
    hospital.services.policies.apply(TWO, actor="wang")
    hospital.tell(WARDS[0][0], mounted(USB))
    case = case_of(hospital, "MED-01")
    box, site = Mailbox(), Site(hospital)

    with serving(box) as port:
        mailed(hospital, port)
    ours = [mail for mail in box.mails if case in mail["Message-ID"]]
    paths = [path_in(mail) for mail in ours]

    assert [mail["To"] for mail in ours] == [f"{DUTY}, {HEAD}"] * 2
    assert len({mail["Message-ID"] for mail in ours}) == 1
    assert len(set(paths)) == 2
    assert site.ask("GET", paths[1]).status_code == 200
    assert site.ask("POST", paths[1]).status_code == 200
    done = case_named(hospital.services.store_engine, case)
    assert done
    assert (done.case.state, done.case.acknowledged_by) == (
        "awaiting_verification",
        f"{HEAD} (by mail)",
    )
    assert story_of(hospital.services.store_engine, case)[0].actor == f"{HEAD} (by mail)"
    assert site.ask("POST", paths[0]).status_code == 409


def test_following_the_link_acknowledges_nothing_however_often(hospital):
    site, path = Site(hospital), path_for(hospital)

    answers = [site.ask(method, path) for method in ("GET", "HEAD", "GET")]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    row = case_named(hospital.services.store_engine, case_of(hospital))
    assert row
    assert row.case.state == "awaiting_acknowledgement"


def test_the_page_tells_rule_case_and_department_and_nothing_else(hospital):
    page = Site(hospital).ask("GET", path_for(hospital)).text

    assert case_of(hospital) in page
    assert "内科三病区" in page
    for secret in ("NK3-PC-017", "林晓棠", "203.0.113.9", "usb0", "browser", "nk3-017", DUTY):
        assert secret not in page


@pytest.mark.parametrize(
    ("language", "says"), [("en", "Acknowledge this case"), ("zh", "签收该事件")]
)
def test_the_page_speaks_both_languages(hospital, language, says):
    assert says in Site(hospital).ask("GET", path_for(hospital), language=language).text


def test_a_link_works_once_and_says_so_kindly(hospital):
    site, path = Site(hospital), path_for(hospital)

    answers = [site.ask(method, path) for method in ("POST", "POST", "GET")]

    assert [answer.status_code for answer in answers] == [200, 410, 410]
    assert "Thank you" in answers[0].text
    assert "You have acknowledged this case already" in answers[1].text
    acts = [line.act for line in story_of(hospital.services.store_engine, case_of(hospital))]
    assert acts.count("acknowledge") == 1


def test_a_case_that_somebody_else_acknowledged_says_so(hospital):
    path = path_for(hospital)
    hospital.services.acts.on_case(case_of(hospital), "acknowledge", actor="duty")

    answer = Site(hospital).ask("POST", path)

    assert answer.status_code == 409
    assert "Somebody else has acknowledged" in answer.text


def test_a_case_that_was_closed_before_says_so(hospital):
    path = path_for(hospital)
    hospital.services.acts.on_case(case_of(hospital), "close", actor="duty", reason="test")

    assert Site(hospital).ask("POST", path).status_code == 409


def test_an_old_link_acknowledges_nothing(hospital):
    answer = Site(hospital).ask("POST", path_for(hospital, lasts_us=-1))

    assert answer.status_code == 410
    assert "too old" in answer.text
    row = case_named(hospital.services.store_engine, case_of(hospital))
    assert row
    assert not row.case.acknowledged_by


def test_a_link_to_a_case_that_is_not_there_is_not_found(hospital):
    assert Site(hospital).ask("GET", path_for(hospital, case="EXT-01-ZZZZZZZZ")).status_code == 404


def test_forged_links_are_not_found_and_slow_their_sender_down_only(hospital):
    site, good = Site(hospital), path_for(hospital)
    strange = Links(bytes(32)).token(Pass(case_of(hospital), DUTY, now_us() + HOUR_US))

    tried = [site.ask("POST", f"/ack/{strange}") for _ in range(3)]
    slowed = site.ask("POST", good)

    assert [answer.status_code for answer in tried] == [404, 404, 404]
    assert "not whole" in tried[0].text
    assert slowed.status_code == 429
    assert slowed.headers["Retry-After"] == "1"
    assert site.ask("POST", good, address="10.20.3.10").status_code == 200


@pytest.mark.parametrize(
    "token", ["%00", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "%E2%80%AE", "A" * 10_000, "..%2Fcases"]
)
def test_a_hostile_token_is_refused_in_words(hospital, token):
    answer = Site(hospital).ask("GET", f"/ack/{token}")

    assert answer.status_code in (404, 303)
    assert "<script>alert" not in answer.text


def test_no_page_of_a_link_is_kept_framed_or_refers_elsewhere(hospital):
    headers = Site(hospital).ask("GET", path_for(hospital)).headers

    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_without_the_policys_key_a_mail_has_no_link(hospital):
    without = POLICY.replace("[[mail.rec", '[mail]\nacknowledge_link = ""\n\n[[mail.rec')
    hospital.services.policies.apply(without, actor="wang")
    box = Mailbox()

    with serving(box) as port:
        mailed(hospital, port)

    assert not LINK.search(box.mails[0].get_body(("plain",)).get_content())


def test_a_case_that_is_gone_has_a_standing_of_its_own():
    assert standing_of(Pass("EXT-01-AAAAAAAA", DUTY, 5), None, 1) == "gone"
