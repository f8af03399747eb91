"""A case about a medium leads to the medium's page."""

import re
from datetime import date

import msgspec
import pytest

from checks.facts.media import MediumAttached
from checks.facts.media_register import MediumOverdue, RegisteredMedium
from checks.wire import encode
from collector.entries import EntryKind, MediaChanged
from collector.queries.cases import CaseFilter, urgent_cases
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import USB, WARDS, Hospital, mounted, now_us

AGENT = WARDS[0][0]
OWNERLESS = msgspec.structs.replace(USB, key="0" * 31 + "1", serial="NOBODY")
LOST = RegisteredMedium(
    number="借-7", serial="AWAY", owner="王", inventory=date(2020, 1, 1), department="检验科"
)
LINES = (
    LOST,
    RegisteredMedium(number="R 1", key=OWNERLESS.key),
)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    made.enrol(WARDS[0])
    register(made, *LINES)
    made.tell(AGENT, mounted(USB), MediumAttached(medium=OWNERLESS), MediumOverdue(entry=LOST))
    yield made
    made.close()


def register(hospital, *lines: RegisteredMedium) -> None:
    services = hospital.services
    done = MediaChanged(act="register", actor="test", lines=lines)
    entry = services.journal.append(EntryKind.MEDIA, encode(done))
    assert services.changes.wait_for_entry(entry, 5)


def about(hospital, rule: str, *, who: str = "安全员") -> tuple[str, list[str]]:
    """What the page of the rule's case says of its medium, and where that leads."""
    store = hospital.services.store_engine
    wanted = CaseFilter(rules=(rule,))
    [row] = urgent_cases(store, wanted, now_us=now_us(), limit=2, offset=0)
    page = ask(hospital, "GET", f"/cases/{row.case.id}", who=who).text
    said = page.split("<dt>Medium</dt>")[1].split("</div>")[0]
    return said, re.findall(r'href="([^"]+)"', said)


@pytest.mark.parametrize("who", ["安全员", "duty"])
def test_a_stranger_leads_to_its_page(hospital, who):
    said, [way] = about(hospital, "MED-01", who=who)

    for told in (USB.describe(), USB.key, "not registered"):
        assert told in said
    assert "Subject" not in said
    page = ask(hospital, "GET", way, who=who)
    assert page.status_code == 200
    assert USB.key in page.text


@pytest.mark.parametrize(
    ("rule", "number", "name"),
    [("MED-12", "R 1", OWNERLESS.describe()), ("MED-14", "借-7", "借-7")],
)
def test_a_registered_medium_leads_to_its_line(hospital, rule, number, name):
    said, [way] = about(hospital, rule)

    assert name in said
    assert f"Register number {number}" in said
    page = ask(hospital, "GET", way, who="duty")
    assert page.status_code == 200
    assert number in page.text


def test_a_line_that_was_taken_out_leads_nowhere(hospital):
    services = hospital.services
    done = MediaChanged(act="remove", actor="test", removed=("借-7",))
    assert services.changes.wait_for_entry(
        services.journal.append(EntryKind.MEDIA, encode(done)), 5
    )
    try:
        store = services.store_engine
        [row] = urgent_cases(
            store, CaseFilter(rules=("MED-14",)), now_us=now_us(), limit=2, offset=0
        )
        page = ask(hospital, "GET", f"/cases/{row.case.id}", who="安全员").text
        assert "<dt>Medium</dt>" not in page
        assert "借-7" in page
    finally:
        register(hospital, LOST)
