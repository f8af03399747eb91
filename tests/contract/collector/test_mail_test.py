"""The trial of the mail server: a real one takes it, refuses it, or is not there."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from checks.policy import parse_policy
from checks.wire import encode
from collector.alerts.trial import trial_done, trial_mail
from collector.entries import EntryKind
from collector.judge import rebuild
from collector.queries.overview import outbox
from collector.store import schema
from collector.store.engine import open_journal
from tests.contract.collector.test_daily_counts import World
from tests.fakes.mailserver import Mailbox, free_port, serving
from tests.sender import RealCollector

ROOT = Path(__file__).resolve().parents[3]
TO = "duty@hospital.example"


@pytest.fixture
def collector(tmp_path):
    made = RealCollector(tmp_path, free_port())
    made.initialise()
    return made


def mail_test(collector: RealCollector, port: int) -> subprocess.CompletedProcess[str]:
    settings = collector.config.read_text("utf-8")
    collector.config.write_text(
        f'{settings}\n[smtp]\nhost = "127.0.0.1"\nport = {port}\n'
        'sender = "wardwatch@hospital.example"\ntimeout_s = 5.0\n'
    )
    return subprocess.run(
        [sys.executable, "-m", "collector", "mail-test", TO, "--config", str(collector.config)],
        capture_output=True,
        text=True,
        check=False,
        cwd=collector.folder,
        env={"PYTHONPATH": str(ROOT)},
    )


def mailed(collector: RealCollector) -> int:
    engine = open_journal(collector.folder / "state")
    with engine.connect() as connection:
        kinds = list(connection.execute(select(schema.entries.c.kind)).scalars())
    engine.dispose()
    return kinds.count("mailed")


def test_a_mail_that_the_server_took_is_told_and_journaled(collector):
    mailbox = Mailbox()
    with serving(mailbox) as port:
        done = mail_test(collector, port)

    assert done.returncode == 0, done.stderr
    assert f"took the mail to {TO}" in done.stdout
    (mail,) = mailbox.mails
    assert mail["Subject"] == "[测试] Wardwatch 可以发送邮件"
    assert mailbox.reached == [(TO,)]
    assert mailed(collector) == 1


def test_a_mail_that_was_refused_is_told_in_the_server_s_words_and_not_journaled(collector):
    mailbox = Mailbox()
    mailbox.answers[TO] = "550 no such mailbox"
    with serving(mailbox) as port:
        done = mail_test(collector, port)

    assert done.returncode == 1
    assert "the mail did not leave: 550 no such mailbox" in done.stderr
    assert mailed(collector) == 0


def test_a_server_that_is_not_there_is_told(collector):
    done = mail_test(collector, free_port())

    assert done.returncode == 1
    assert "the mail did not leave: ConnectionRefusedError" in done.stderr


def test_without_a_mail_server_it_says_what_is_missing(collector):
    said = collector.command("mail-test", TO, expect=1)

    assert "[smtp] is not set in collector.toml" in said


def test_a_hostile_hospital_s_name_stays_one_line_of_text():
    policy = parse_policy('[hospital]\nname = "A\\nBcc: x@y.example\\u202e"\nlanguage = "en"\n')

    mail = trial_mail(policy, sender="w@h.example", recipient=TO, link="https://w", now_us=1)

    assert mail["Bcc"] is None
    assert "the Wardwatch of A Bcc: x@y.example tried" in " ".join(mail.get_content().split())
    assert "\u202e" not in mail.get_content()


def test_every_trial_is_a_mail_of_its_own():
    assert trial_done(TO, 1).key != trial_done(TO, 2).key


def test_a_trial_counts_as_sent_also_after_a_rebuild(tmp_path):
    world = World(tmp_path)
    world.journal.append(EntryKind.MAILED, encode(trial_done(TO, 5)))
    world.catch_up(world.judge)
    before = outbox(world.store)

    rebuild(world.store, world.journal)
    world.catch_up(world.judged())

    assert before.last_sent_us == world.journal.now_us
    assert (before.waiting, before.refused) == (0, 0)
    assert outbox(world.store) == before
    world.store.dispose()
