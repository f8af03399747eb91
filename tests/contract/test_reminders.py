"""The end of an approval reminds its owner: once, over real SMTP, whatever is restarted."""

from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header

import pytest

from checks.policy import parse_policy
from collector.entries import EntryKind
from collector.judge import rebuild
from collector.store import schema
from collector.store.engine import open_store
from tests.contract.test_mailer import DUTY, HOUR_US, Hospital
from tests.fakes.batches import POLICY, START_US
from tests.fakes.mailserver import Mailbox, serving

OWNER = "lab@hospital.example"
DAY_US = 24 * HOUR_US


def day(distance: int) -> str:
    start = datetime.fromtimestamp(START_US / 1_000_000, UTC)
    return (start + timedelta(days=distance)).date().isoformat()


def entry(expires: str, *, contact: str = OWNER, name: str = "检验设备") -> str:
    return (
        f'\n[[approved]]\nname = "{name}"\ndestinations = ["203.0.113.9/32"]\n'
        f'expires = {expires}\ncontact = "{contact}"\napplicant = "lab"\n'
    )


@pytest.fixture
def store(tmp_path):
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


def run(hospital, port):
    mailer = hospital.mailer(port)
    mailer.find_ending()
    while mailer.step():
        hospital.now_us += 1


def subjects(mailbox):
    return [str(make_header(decode_header(mail["Subject"]))) for mail in mailbox.mails]


def test_the_owner_is_reminded_once_and_not_again_after_a_restart_or_a_rebuild(store):
    mailbox = Mailbox()
    hospital = Hospital(store, POLICY + entry(day(6)))

    with serving(mailbox) as port:
        run(hospital, port)
        run(hospital, port)
        hospital.judge_all()
        rebuild(store, hospital.journal)
        hospital.judge_all()
        run(hospital, port)

    assert len(mailbox.mails) == 1
    assert f"“检验设备”有效至 {day(6)} 23:59" in subjects(mailbox)[0]
    assert mailbox.reached == [(OWNER,)]
    assert [e.kind for e in hospital.journal.entries].count(EntryKind.MAILED) == 1


def test_a_prolonged_approval_reminds_again_and_one_far_from_its_end_does_not(store):
    mailbox = Mailbox()
    hospital = Hospital(store, POLICY + entry(day(6)))

    with serving(mailbox) as port:
        run(hospital, port)
        hospital.policy = parse_policy(POLICY + entry(day(100)), version=2)
        run(hospital, port)
        assert len(mailbox.mails) == 1
        hospital.now_us += 95 * DAY_US
        run(hospital, port)

    assert len(mailbox.mails) == 2


def test_without_a_contact_the_recipients_of_the_policy_are_told_in_their_language(store):
    mailbox = Mailbox()
    english = POLICY.replace('name = "示范医院"', 'name = "h"\nlanguage = "en"')
    hospital = Hospital(store, english + entry(day(1), contact="", name="analyser"))

    with serving(mailbox) as port:
        run(hospital, port)

    assert mailbox.reached == [(DUTY,)]
    assert subjects(mailbox) == [f"[Approval ends] analyser holds until {day(1)} 23:59"]
    text = mailbox.mails[0].get_body(("plain",)).get_content()
    assert "After its end, its further use is a violation (EXT-16)." in text
    assert "https://wardwatch.hospital.example/policy" in text


def test_what_has_ended_or_was_taken_away_reminds_nobody(store):
    mailbox = Mailbox()
    hospital = Hospital(store, POLICY + entry(day(-1)))

    with serving(mailbox) as port:
        run(hospital, port)
        hospital.policy = parse_policy(POLICY + entry(day(3)), version=2)
        hospital.mailer(port).find_ending()
        hospital.policy = parse_policy(POLICY, version=3)
        run(hospital, port)

    assert mailbox.mails == []
    assert hospital.alerts() == []
