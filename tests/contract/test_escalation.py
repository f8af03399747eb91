"""A case that nobody acknowledges goes up the chain: once a step, over real SMTP, and it stops."""

from email.header import decode_header, make_header

import pytest
from sqlalchemy import select

from checks.policy import parse_policy
from checks.wire import encode
from collector.alerts.overdue import overdue_alerts
from collector.entries import CaseAct, EntryKind
from collector.judge import rebuild
from collector.store import schema
from collector.store.engine import open_store
from tests.contract.test_mailer import DUTY, HOUR_US, Hospital
from tests.fakes.batches import POLICY
from tests.fakes.mailserver import Mailbox, serving
from tests.unit.collector.alerts.test_escalation import MINUTE_US, step

OFFICER, CENTRE, DIRECTOR = (f"{who}@hospital.example" for who in ("sec", "centre", "director"))
CHAIN = (
    POLICY
    + step("值班", who=DUTY)
    + step("安全管理员", "15m", who=OFFICER)
    + step("计算机中心负责人", "1h", "high", who=CENTRE)
    + step("分管院领导", "4h", "critical", who=DIRECTOR)
)


@pytest.fixture
def store(tmp_path):
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


def look(hospital, port) -> int:
    """One look of a mailer that has just started, and all that it sends."""
    mailer = hospital.mailer(port)
    found = mailer.find_overdue()
    while mailer.step():
        pass
    hospital.judge_all()
    return found


def subject(mail) -> str:
    return str(make_header(decode_header(mail["Subject"])))


def story(hospital):
    lines = schema.timeline.c
    with hospital.store.connect() as reading:
        told = select(lines.act, lines.detail).order_by(lines.entry, lines.ordinal)
        return [(row.act, row.detail) for row in reading.execute(told)]


def test_it_goes_up_step_by_step_and_every_step_leaves_once(store):
    hospital, box = Hospital(store, CHAIN), Mailbox()
    case = hospital.violation()

    with serving(box) as port:
        look(hospital, port)
        hospital.now_us += 16 * MINUTE_US  # one minute past the clock
        assert [look(hospital, port), look(hospital, port)] == [1, 0]
        hospital.now_us += 15 * MINUTE_US
        assert [look(hospital, port), look(hospital, port)] == [1, 0]
        hospital.now_us += HOUR_US
        assert look(hospital, port) == 1
        hospital.now_us += 24 * HOUR_US
        assert [look(hospital, port), look(hospital, port)] == [1, 0]

    assert box.reached == [(DUTY,), (DUTY,), (OFFICER,), (CENTRE,), (DIRECTOR,)]
    assert subject(box.mails[1]).startswith("【逾期催办·紧急·违规外联】")
    assert subject(box.mails[4]).startswith("【升级督办·分管院领导·紧急·违规外联】")
    text = box.mails[4].get_body(("plain",)).get_content()
    assert "此前已通知：值班、安全管理员、计算机中心负责人。" in text
    assert "https://wardwatch.hospital.example/ack/" in text
    assert {mail["References"] for mail in box.mails[1:]} == {box.mails[0]["Message-ID"]}
    assert len({mail["Message-ID"] for mail in box.mails}) == 5
    assert all(mail["Message-ID"].startswith(f"<{case}.") for mail in box.mails)
    told = [detail for act, detail in story(hospital) if act == "mailed"]
    assert [one["occasion"] for one in told] == ["first", "overdue", *["escalated"] * 3]
    assert told[2]["step"] == "安全管理员"


def test_an_acknowledgement_ends_it_also_for_what_was_decided(store):
    hospital, box = Hospital(store, CHAIN), Mailbox()
    case = hospital.violation()

    with serving(box) as port:
        look(hospital, port)
        hospital.now_us += HOUR_US
        assert hospital.mailer(port).find_overdue() == 2
        hospital.journal.append(
            EntryKind.ACT, encode(CaseAct(case=case, act="acknowledge", actor="li"))
        )
        hospital.judge_all()
        hospital.now_us += 24 * HOUR_US
        assert look(hospital, port) == 0

    assert box.reached == [(DUTY,)]
    assert [alert.occasion for alert in hospital.alerts()] == ["first"]


def test_a_rebuilt_store_repeats_no_step(store):
    hospital, box = Hospital(store, CHAIN), Mailbox()
    hospital.violation()

    with serving(box) as port:
        look(hospital, port)
        hospital.now_us += HOUR_US
        look(hospital, port)
        rebuild(store, hospital.journal)
        hospital.judge._forget()
        hospital.judge_all()
        assert look(hospital, port) == 0

    assert len(box.mails) == 3


def test_a_collector_that_was_off_tells_everybody_who_should_know_by_now(store):
    hospital, box = Hospital(store, CHAIN), Mailbox()
    hospital.violation()
    hospital.now_us += 5 * HOUR_US

    with serving(box) as port:
        assert look(hospital, port) == 4

    assert sorted(box.reached) == sorted([(DUTY,), (DUTY,), (OFFICER,), (CENTRE,), (DIRECTOR,)])


def test_a_step_that_is_renamed_or_added_meanwhile_leaves_and_the_others_do_not_again(store):
    hospital, box = Hospital(store, CHAIN), Mailbox()
    hospital.violation()
    hospital.now_us += 40 * MINUTE_US

    with serving(box) as port:
        look(hospital, port)
        added = CHAIN.replace(
            step("计算机中心负责人", "1h", "high", who=CENTRE),
            step("总值班", "20m", who="night@hospital.example"),
        )
        hospital.policy = parse_policy(added, version=1)
        assert look(hospital, port) == 1

    assert box.reached[-1] == ("night@hospital.example",)


def test_nothing_is_decided_for_a_case_whose_clock_still_runs(store):
    hospital = Hospital(store, CHAIN)
    hospital.violation()

    assert list(overdue_alerts(store, hospital.policy, hospital.now_us)) == []
