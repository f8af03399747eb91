"""The quiet weekly mail: once, with the week's figures, whatever is restarted or rebuilt."""

from email.header import decode_header, make_header

import pytest

from checks.policy import parse_policy
from collector.alerts.weekly_mail import LEAD, letter_of_week
from collector.judge import rebuild
from collector.queries.mails import MailCount, count_mails
from collector.reports.making import make_report
from collector.reports.period import period_of
from collector.store import schema
from collector.store.engine import open_store
from tests.contract.test_mailer import DUTY, HEAD, HOUR_US, TWO, Hospital
from tests.fakes.batches import POLICY, START_US
from tests.fakes.mailserver import Mailbox, serving

WEEK_US = 7 * 24 * HOUR_US


@pytest.fixture
def store(tmp_path):
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


def look(hospital, port) -> bool:
    mailer = hospital.mailer(port)
    found = mailer.find_weekly()
    while mailer.step():
        pass
    hospital.judge_all()
    return found


def weekly(box) -> list[tuple[str, str]]:
    return [
        (str(make_header(decode_header(mail["Subject"]))), mail.get_body(("plain",)).get_content())
        for mail in box.mails
        if mail["Message-ID"].startswith("<weekly.")
    ]


def test_it_leaves_once_on_monday_and_tells_the_week(store):
    hospital, box = Hospital(store, TWO), Mailbox()
    hospital.violation()
    box.answers = {HEAD: "550 5.1.1 no such mailbox"}

    with serving(box) as port:
        assert not look(hospital, port)  # Monday 14:05: that of this morning is before the first
        box.answers = {}
        hospital.now_us = START_US + WEEK_US - 7 * HOUR_US  # 07:05
        assert not look(hospital, port)
        hospital.now_us += HOUR_US
        assert [look(hospital, port), look(hospital, port)] == [True, False]
        rebuild(store, hospital.journal)
        hospital.judge._forget()
        hospital.judge_all()
        assert not look(hospital, port)

    [(subject, text)] = weekly(box)
    assert subject.startswith("【平安信】邮件正常：本周新增 1 起，销号 0 起，覆盖率 ")
    assert "已发送 1 封，被拒 1 封，待发送 0 封" in text
    assert "若 2026-03-16 08:00 未收到此信" in text
    assert box.reached[-1] == (DUTY, HEAD)


def test_nothing_leaves_before_there_is_an_endpoint(store):
    hospital = Hospital(store)

    assert not hospital.mailer(1).find_weekly()


def test_mails_that_wait_are_told_as_waiting(store):
    hospital = Hospital(store)
    hospital.violation()

    assert count_mails(store, START_US - 1, START_US + WEEK_US) == MailCount(
        sent=0, refused=0, waiting=1
    )
    assert count_mails(store, 0, START_US - 1) == MailCount(sent=0, refused=0, waiting=0)


def test_it_speaks_the_hospitals_language(store):
    text = POLICY.replace("[hospital]", '[hospital]\nlanguage = "en"')
    policy = parse_policy(text, version=1)
    week = period_of("2026-W10", "Asia/Shanghai")
    report = make_report(store, policy, week, now_us=START_US + WEEK_US)

    letter = letter_of_week(
        report, MailCount(sent=3, refused=0, waiting=0), policy, link="https://w"
    )

    assert letter.lead == LEAD
    assert letter.subject.startswith(
        "[Weekly word] Mail works; cases opened: 0, closed: 0; watched "
    )
    assert letter.about[0].value == "3 sent, 0 refused, 0 waiting"
