"""Who may look at the wall, and what it does not tell of people."""

import msgspec
import pytest

from collector.duty.acts import DutyActs
from collector.duty.roster import Shift
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.contract.collector.dashboard.test_overview_numbers import numbered_links, total
from tests.support.hospital import (
    HOUR_US,
    WARDS,
    Hospital,
    health,
    leak,
    network,
    now_us,
    scanner,
    seeded,
)

OWNERS = [ward[3] for ward in WARDS]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = seeded(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    yield made
    made.close()


def wall(hospital: Hospital, who: str = "duty", **services: object) -> str:
    shown = hospital
    if services:
        shown = _With(msgspec.structs.replace(hospital.services, **services))
    answer = ask(shown, "GET", "/wall", who=who)
    assert answer.status_code == 200
    return answer.text


class _With:
    """The same hospital under other settings."""

    def __init__(self, services: object) -> None:
        self.services = services


@pytest.mark.parametrize("who", ["安全员", "duty", "auditor", "admin", "director"])
def test_every_account_may_show_it_and_it_holds_nothing_to_change(hospital, who):
    text = wall(hospital, who)

    assert "<form" not in text
    assert 'data-bs-theme="dark"' in text


def test_a_stranger_sees_nothing(hospital):
    assert ask(hospital, "GET", "/wall").status_code == 303


def test_no_person_is_named_unless_the_setting_allows_it(hospital):
    silent, open_ = wall(hospital), wall(hospital, wall_names=True)

    assert [owner for owner in OWNERS if owner in silent + open_] == []
    assert "<bdi>duty</bdi>" not in silent
    assert "<bdi>duty</bdi>" in open_


def test_its_numbers_lead_to_as_many_rows(hospital):
    links = numbered_links(wall(hospital))

    told = {address: total(ask(hospital, "GET", address, who="duty").text) for address in links}

    assert told == links
    assert len(links) >= 10


def test_a_hospital_without_a_case_is_calm(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()

    text = wall(made)
    made.close()

    assert "No open case needs action" in text
    assert "ww-count-critical" not in text


def test_a_hostile_name_is_shown_inert(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    agent, _, _, *rest = WARDS[0]
    made.enrol((agent, "<img src=x onerror=alert(1)>\u202e", "<script>x</script>", *rest))
    made.tell(agent, network(), health(), scanner(), leak("two_way"))

    text = wall(made)
    made.close()

    assert "<img src=x" not in text
    assert "<script>x" not in text
    assert "&lt;script&gt;" in text


def test_who_the_roster_puts_on_duty_counts_before_who_is_logged_in(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    services = made.services
    shift = Shift(from_us=now_us() - HOUR_US, to_us=now_us() + HOUR_US, person="李夜班", address="n@h.example", phone="8120")  # fmt: skip
    DutyActs(journal=services.journal, changes=services.changes, actor="安全员").add(shift)

    named, counted = wall(made, wall_names=True), wall(made)
    made.close()

    assert ("李夜班" in named, "<bdi>duty</bdi>" in named, "李夜班" in counted) == (
        True,
        False,
        False,
    )
    assert "On duty now" in counted
