"""Every number of the first page leads to exactly the rows it counts; what is not set up is said."""

import html
import re

import msgspec
import pytest
from sqlalchemy import select, update

from checks.wire import encode
from collector.alerts.trial import trial_done
from collector.dashboard.guide import steps_left
from collector.entries import EntryKind
from collector.store import schema
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import (
    HOUR_US,
    POLICY,
    WARDS,
    Hospital,
    health,
    leak,
    network,
    now_us,
    scanner,
    seeded,
)

LINK = re.compile(r'<a[^>]*href="(/(?:cases|endpoints)\?[^"]+)"[^>]*>(.*?)</a>', re.DOTALL)
TOTAL = re.compile(r"<h2>(\d+) (?:cases?|endpoints?)</h2>")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = seeded(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    late(made)
    yield made
    made.close()


@pytest.fixture
def empty(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    yield made
    made.close()


def late(hospital: Hospital) -> None:
    """One case is overdue, and one endpoint's agent is of an old version."""
    cases, lines = schema.cases, schema.endpoints
    with hospital.services.store_engine.begin() as connection:
        one = connection.execute(select(cases.c.id).where(cases.c.severity == "high")).scalar()
        past = {"acknowledge_due_us": now_us() - HOUR_US}
        connection.execute(update(cases).where(cases.c.id == one).values(past))
        old = update(lines).where(lines.c.agent == "icu-001").values(version="0.0.9")
        connection.execute(old)


def page(hospital: Hospital, address: str = "/", who: str = "安全员", **more) -> str:
    answer = ask(hospital, "GET", address, who=who, **more)
    assert answer.status_code == 200
    return answer.text


def numbered_links(text: str) -> dict[str, int]:
    """Address → the number that stands in the link."""
    found = {}
    for address, inside in LINK.findall(text):
        words = re.sub(r"<[^>]+>", " ", inside).replace("4 h", "").replace("100", "")
        numbers = re.findall(r"(?<![-\w])\d+(?![-\w])", words)
        if numbers:
            found[html.unescape(address)] = int(numbers[-1] if "rule=" in address else numbers[0])
    return found


def total(text: str) -> int:
    found = TOTAL.search(text)
    return int(found[1]) if found else 0


def test_every_number_leads_to_as_many_rows(hospital):
    links = numbered_links(page(hospital))

    told = {address: total(page(hospital, address)) for address in links}

    assert told == links
    asked_for = " ".join(links)
    for part in ("severity=", "due=overdue", "due=soon", "state=online", "trouble=outdated",
                 "counted=opened", "department=", "rule="):  # fmt: skip
        assert part in asked_for, part


def test_what_is_due_soon_is_not_what_is_overdue(hospital):
    overdue, soon = page(hospital, "/cases?due=overdue"), page(hospital, "/cases?due=soon")

    assert total(overdue) == 1
    assert total(soon) > 1
    late_case = re.search(r'data-row="([^"]+)"', overdue)
    assert late_case
    assert f'data-row="{late_case[1]}"' not in soon
    assert 'name="due" value="soon"' in soon


@pytest.mark.parametrize("query", ["due=x", "due=%00", "due=" + "x" * 5000])
def test_a_strange_due_narrows_nothing(hospital, query):
    assert total(page(hospital, f"/cases?{query}")) == total(page(hospital, "/cases"))


@pytest.mark.parametrize("query", ["trouble=x", "trouble=%00", "trouble=%3Cscript%3E"])
def test_a_strange_trouble_narrows_nothing(hospital, query):
    assert total(page(hospital, f"/endpoints?{query}")) == len(WARDS)


def test_a_department_s_name_is_shown_inert(empty):
    hostile = "<script>alert(1)</script>\u202e"
    agent, name, _, *rest = WARDS[0]
    empty.enrol((agent, name, hostile, *rest))
    empty.tell(agent, network(), health(), scanner(), leak("two_way"))

    text = page(empty)

    assert "<script>alert" not in text
    assert "<bdi>&lt;script&gt;alert(1)" in text
    links = numbered_links(text)
    (address,) = [each for each in links if "department=" in each]
    assert total(page(empty, address)) == links[address] == 1


# ------------------------------------------------------------------------ first steps


def test_a_new_hospital_is_led_through_every_step(empty):
    without_mail = msgspec.structs.replace(empty.services, mails=False)
    empty.services = without_mail

    text = page(empty)

    assert steps_left.__module__.endswith("guide")
    assert "Look at the address plan and apply it" in text
    assert "wardwatch-collector enrol-token create" in text
    assert f"sudo wardwatch-agent enrol --collector {SITE} --token-file token" in text
    assert "[smtp]" in text
    assert 'id="month"' not in text


def test_each_step_goes_when_it_is_done(empty):
    empty.services.policies.apply(POLICY.removeprefix("# proposed by wardwatch\n"), actor="wu")
    assert "Look at the address plan" not in page(empty)
    assert "Enrol the first workstation" in page(empty)

    empty.enrol(WARDS[0])
    empty.tell(WARDS[0][0], network(), health(), scanner())
    text = page(empty)
    assert "Enrol the first workstation" not in text
    assert "wardwatch-collector mail-test" in text

    done = encode(trial_done("duty@hospital.example", now_us()))
    entry = empty.services.journal.append(EntryKind.MAILED, done)
    assert empty.services.changes.wait_for_entry(entry, 5)

    text = page(empty)
    assert 'id="guide"' not in text
    assert "last sent less than a minute ago" in text


def test_an_auditor_is_told_who_applies_the_plan(empty):
    assert "The security officer applies it." in page(empty, who="auditor")
    assert "The security officer applies it." not in page(empty)


# ------------------------------------------------------------------------------- mail


def test_a_mail_that_has_not_left_is_listed_where_the_number_leads(hospital):
    text = page(hospital)
    assert 'href="/unseen#mails"' in text

    unseen = page(hospital, "/unseen")

    waiting = re.search(r'href="/unseen#mails">(\d+)', text)
    assert waiting
    listed = unseen.split('id="mails"')[1].split("</section>")[0]
    assert listed.count("<tr>") - 1 == int(waiting[1]) > 0
