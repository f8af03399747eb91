"""The duty roster over HTTP: who edits it, what it shows, and what the judge makes of it."""

import pytest
from sqlalchemy import select

from collector.clocks import local_time
from collector.duty.acts import DutyActs, DutyRefused
from collector.duty.roster import Shift
from collector.judge import rebuild
from collector.queries.duty import newest_notes, shifts_after
from collector.store import schema
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import (
    HOUR_US,
    POLICY,
    WARDS,
    Hospital,
    network,
    now_us,
    outside,
    started,
)

ON_DUTY = POLICY.replace('severity = "medium"', 'severity = "medium"\nduty = true')
NIGHT = "night@hospital.example"
OFFICERS = "duty@hospital.example"


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    made.enrol(WARDS[0])
    yield made
    made.close()


def acts(hospital, actor: str = "安全员") -> DutyActs:
    services = hospital.services
    return DutyActs(journal=services.journal, changes=services.changes, actor=actor)


def shift(begin_h: float, end_h: float, person: str = "林晓棠", address: str = NIGHT) -> Shift:
    now = now_us()
    return Shift(
        from_us=now + int(begin_h * HOUR_US),
        to_us=now + int(end_h * HOUR_US),
        person=person,
        address=address,
        phone="8317",
    )


def form(hospital, begin_h: float, end_h: float, **fields: str) -> dict[str, str]:
    def moment(hours: float) -> str:
        at_us = now_us() + int(hours * HOUR_US)
        return local_time(at_us, "Asia/Shanghai").strftime("%Y-%m-%dT%H:%M")

    told = {"from": moment(begin_h), "to": moment(end_h), "person": "林晓棠", "address": NIGHT}
    return {"step": "add", "phone": "8317", **told, **fields}


def post(hospital, path: str, who: str = "安全员", **more):
    return ask(hospital, "POST", path, who=who, with_token=True, **more)


def mailed_to(hospital) -> list[list[str]]:
    with hospital.services.store_engine.connect() as reading:
        return list(reading.execute(select(schema.alerts.c.recipients)).scalars())


def test_the_officer_writes_a_shift_down_and_takes_it_out(hospital):
    answer = post(hospital, "/duty/shifts", data=form(hospital, -1, 7))

    assert answer.status_code == 303
    [kept] = shifts_after(hospital.services.store_engine, now_us())
    page = ask(hospital, "GET", "/duty", who="duty").text
    assert "林晓棠" in page
    assert NIGHT in page
    post(hospital, "/duty/shifts", data={"step": "remove", "shift": kept.id})
    assert shifts_after(hospital.services.store_engine, 0) == []


@pytest.mark.parametrize("who", ["duty", "auditor", "admin", "director"])
@pytest.mark.parametrize("path", ["/duty/shifts", "/duty/import"])
def test_nobody_else_changes_the_roster(hospital, who, path):
    assert post(hospital, path, who, data=form(hospital, 0, 8)).status_code == 403
    assert shifts_after(hospital.services.store_engine, 0) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"person": ""}, "Please name who is on duty"),
        ({"address": "x"}, "x is no mail address"),
        ({"from": "soon"}, "soon is no time"),
        ({"to": "2020-01-01T00:00"}, "A shift ends after it begins"),
        ({"person": "<script>alert(1)</script>" * 9}, "64 characters at most"),
    ],
)
def test_a_wrong_shift_is_refused_in_words_and_the_form_keeps_what_was_written(
    hospital, fields, said
):
    answer = post(hospital, "/duty/shifts", data=form(hospital, 0, 8, **fields))

    assert answer.status_code == 400
    assert said in answer.text
    assert "<script>alert" not in answer.text
    assert 'value="8317"' in answer.text


def test_what_a_shift_hands_over_is_shown_to_the_next_until_it_is_taken_over(hospital):
    note = "U 盘待复查 <script>alert(1)</script> \u202egnp"
    post(hospital, "/duty", "duty", data={"step": "note", "note": note})

    page = ask(hospital, "GET", "/duty", who="安全员").text
    assert "Read and taken over" in page
    assert "<script>alert" not in page
    post(hospital, "/duty", "安全员", data={"step": "take_over"})
    [kept] = newest_notes(hospital.services.store_engine)
    assert (kept.note, kept.actor, kept.taken_by) == (note, "duty", "安全员")
    assert "Nothing waits to be taken over" in ask(hospital, "GET", "/duty", who="duty").text


@pytest.mark.parametrize("note", ["", "  ", "x" * 2001])
def test_a_note_with_nothing_or_too_much_in_it_is_refused(hospital, note):
    assert post(hospital, "/duty", "duty", data={"step": "note", "note": note}).status_code == 400
    with pytest.raises(DutyRefused):
        acts(hospital).hand_over(note)
    assert newest_notes(hospital.services.store_engine) == []


def test_readers_hand_nothing_over(hospital):
    assert post(hospital, "/duty", "auditor", data={"step": "take_over"}).status_code == 403


def test_a_file_takes_the_place_of_its_week_whole_or_not_at_all(hospital):
    acts(hospital).add(shift(1, 9, "old"))
    acts(hospital).add(shift(100, 108, "later"))
    heading, later = "from,to,person,address,phone", form(hospital, 0, 24)
    row = f"{later['from']},{later['to']},Lin,{NIGHT},=1+1"
    wrong = f"{heading}\r\n{row}\r\nsoon,x,y,z,\r\n".encode()
    right = f"{heading}\r\n{row}\r\n".encode()

    refused = post(hospital, "/duty/import", files={"file": ("week.csv", wrong)})
    before = [one.person for one in shifts_after(hospital.services.store_engine, 0)]
    taken = post(hospital, "/duty/import", files={"file": ("week.csv", right)})

    assert (refused.status_code, taken.status_code) == (400, 303)
    assert "soon is no time" in refused.text
    assert before == ["old", "later"]
    people = [one.person for one in shifts_after(hospital.services.store_engine, 0)]
    assert people == ["Lin", "later"]


def test_who_is_on_duty_gets_the_first_mail_and_in_a_gap_the_officers_do(hospital):
    hospital.services.policies.apply(ON_DUTY, actor="wang")
    acts(hospital).add(shift(-1, 7))
    hospital.tell(WARDS[0][0], started(), network(), outside())
    assert mailed_to(hospital) == [[NIGHT]]

    acts(hospital).remove(shifts_after(hospital.services.store_engine, 0)[0].id)
    hospital.enrol(WARDS[1])
    hospital.tell(WARDS[1][0], started(), network(), outside())

    assert sorted(mailed_to(hospital)) == [[OFFICERS], [NIGHT]]
    page = ask(hospital, "GET", "/duty", who="auditor").text
    assert "1 gap in the next week" in page
    assert f"mailed to the security officers: {OFFICERS}" in page


def test_the_roster_and_its_notes_are_made_again_from_the_journal(hospital):
    store = hospital.services.store_engine
    acts(hospital).add(shift(-1, 7))
    acts(hospital).add(shift(7, 15, "沈立群"))
    acts(hospital).remove(shifts_after(store, 0)[0].id)
    acts(hospital).hand_over("one")
    acts(hospital, "duty").take_over()
    acts(hospital).hand_over("two")
    before = (shifts_after(store, 0), newest_notes(store))

    rebuild(store, hospital.services.journal)
    acts(hospital).remove("nothing")  # returns when the judge has come to it again

    assert (shifts_after(store, 0), newest_notes(store)) == before
    assert [(one.note, one.taken_by) for one in before[1]] == [("two", ""), ("one", "duty")]
