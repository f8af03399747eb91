"""The page of a medium that nobody registered, for each viewer."""

import re

import msgspec
import pytest

from checks.facts.media import MediumAttached
from checks.facts.media_register import RegisteredMedium
from checks.wire import encode
from collector.entries import EntryKind, MediaChanged
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import POLICY, STRANGE, USB, WARDS, Hospital, infected, mounted

PEOPLE = {"安全员": "officer", "duty": "duty", "auditor": "auditor", "admin": "admin",
          "director": "director"}  # fmt: skip
ELSEWHERE = WARDS[1]
LISTED = msgspec.structs.replace(USB, key="0b0b", serial="IN-THE-POLICY")
IN_POLICY = '[[media]]\nnumber = "P-1"\nserial = "IN-THE-POLICY"\nowner = "wang"\n'
FORM = "/media/new?key="


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    made.services.policies.apply(POLICY + IN_POLICY, actor="wang")
    for ward in WARDS[:2]:
        made.enrol(ward)
    made.tell(WARDS[0][0], MediumAttached(medium=USB), mounted(USB), infected(USB))
    made.tell(ELSEWHERE[0], MediumAttached(medium=USB), mounted(STRANGE))
    made.tell(WARDS[0][0], MediumAttached(medium=LISTED))
    yield made
    made.close()


def page_of(hospital, key, who="安全员"):
    return ask(hospital, "GET", f"/media/unregistered/{key}", who=who)


@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_sees_it_and_the_officer_alone_may_register_it(hospital, who):
    answer = page_of(hospital, USB.key, who)

    assert answer.status_code == 200
    for told in (USB.serial, USB.key, WARDS[0][1], ELSEWHERE[1], "/cases/"):
        assert told in answer.text
    assert (f"{FORM}{USB.key}" in answer.text) is (PEOPLE[who] == "officer")


def test_its_cases_are_its_own_and_no_other_s(hospital):
    own, others = (
        re.findall(r'data-row="(MED-\d+)-', page_of(hospital, body.key).text)
        for body in (USB, STRANGE)
    )

    assert "MED-05" in own
    assert "MED-05" not in others
    assert "MED-01" in others


def test_one_that_the_policy_lists_need_not_be_registered(hospital):
    told = page_of(hospital, LISTED.key).text

    assert "P-1" in told
    assert FORM not in told


@pytest.mark.parametrize("key", ["nobody", "%3Cscript%3E", "..%2Fcases"])
def test_a_medium_that_nobody_saw_has_no_page(hospital, key):
    assert page_of(hospital, key).status_code == 404


@pytest.mark.parametrize("who", [who for who, role in PEOPLE.items() if role != "officer"])
def test_nobody_else_revokes_its_receipts(hospital, who):
    path = f"/media/unregistered/{USB.key}/receipts"

    answer = ask(hospital, "POST", path, who=who, data={"receipt": "x"}, with_token=True)

    assert answer.status_code == 403


def test_what_cannot_be_revoked_is_said_on_the_page(hospital):
    path = f"/media/unregistered/{USB.key}/receipts"
    sent = {"receipt": "x", "what": "receipt", "reason": "why"}

    answer = ask(hospital, "POST", path, who="安全员", data=sent, with_token=True)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_a_stranger_at_the_door_is_asked_who_he_is(hospital):
    assert ask(hospital, "GET", f"/media/unregistered/{USB.key}").status_code == 303


def test_one_that_was_registered_meanwhile_is_shown_by_its_number(hospital):
    services, line = hospital.services, RegisteredMedium(number="M 9", key=STRANGE.key)
    entry = services.journal.append(
        EntryKind.MEDIA, encode(MediaChanged(act="register", actor="test", lines=(line,)))
    )
    assert services.changes.wait_for_entry(entry, 5)

    answer = page_of(hospital, STRANGE.key)

    assert (answer.status_code, answer.headers["location"]) == (303, "/media/M%209")
