"""An isolated day: software tries all day, nobody answers, and the day ends in one line."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, select

from checks.check import discover
from checks.policy import Policy, parse_policy
from checks.wire import encode
from collector.alerts.links import Links
from collector.alerts.mailer import Mailer
from collector.alerts.smtp import SmtpSettings, SmtpTransport
from collector.digests import DigestWatch
from collector.entries import EntryKind, PolicyApplied, Tried
from collector.judge import Judge, rebuild
from collector.queries.digests import newest_digests
from collector.store import schema
from collector.store.engine import open_store
from tests.fakes.batches import (
    LINK_KEY,
    POLICY,
    START_US,
    connection,
    health,
    network,
    observation,
    sealed,
)
from tests.fakes.journal import MemoryJournal, RecordedChanges
from tests.fakes.mailserver import Mailbox, free_port, serving

HOUR_US = 3_600_000_000
DAY = "2026-03-02"
"""The Shanghai day of START_US, which is 14:05 there."""
MORNING_AFTER = START_US + 18 * HOUR_US
ENDPOINTS = 6
SENDER = "wardwatch@hospital.example"
UPDATERS = (("203.0.113.80", 80), ("203.0.113.81", 443), ("198.51.100.7", 80))


class Day:
    """An isolated hospital whose clock the test moves; fits PolicySource."""

    def __init__(self, store: Engine, text: str = POLICY) -> None:
        self.store = store
        self.now_us = START_US
        self.journal = MemoryJournal(START_US)
        self.policy = parse_policy(text, version=1)
        self.judge = Judge(
            journal=self.journal, store=store, changes=RecordedChanges(), checks=discover()
        )
        applied = PolicyApplied(version=1, actor="wu", text=text)
        self.journal.append(EntryKind.POLICY, encode(applied))
        self._sequence = 0

    def chatter(self, *, hours: int = 3) -> None:
        """Every endpoint tries every updater twenty times an hour."""
        for number in range(ENDPOINTS):
            facts = [network(), health()]
            for _ in range(hours):
                facts += [
                    msgspec.structs.replace(
                        connection(
                            address, answer="none", port=port, interface="eth0", gateway="10.20.0.1"
                        ),
                        flows=20,
                    )
                    for address, port in UPDATERS
                ]
            self.says(f"a-{number}", *facts)

    def says(self, agent: str, *facts) -> None:
        first = self._sequence + 1
        seen = [observation(first + n, fact, at_us=self.now_us) for n, fact in enumerate(facts)]
        self._sequence += len(seen)
        self.journal.now_us = self.now_us
        self.journal.put(sealed(agent, seen), agent=agent, first=first, last=self._sequence)
        self.judge_all()

    def judge_all(self) -> None:
        while self.judge.step():
            pass

    def watch(self) -> DigestWatch:
        """A new one each time, as after a restart."""
        return DigestWatch(
            journal=self.journal, store=self.store, policies=self, clock=lambda: self.now_us
        )

    def mailer(self, port: int) -> Mailer:
        smtp = SmtpSettings(host="127.0.0.1", port=port, sender=SENDER, timeout_s=5.0)
        return Mailer(
            journal=self.journal,
            store=self.store,
            policies=self,
            checks=discover(),
            clock=lambda: self.now_us,
            transport=SmtpTransport(smtp),
            links=Links(LINK_KEY),
            sender=SENDER,
            base_url="https://wardwatch.hospital.example",
        )

    def current(self) -> Policy:
        return self.policy

    def text(self) -> str:
        return POLICY

    def apply(self, text: str, *, actor: str, over: int | None = None) -> Policy:
        raise NotImplementedError

    def alerts(self):
        with self.store.connect() as reading:
            return reading.execute(select(schema.alerts)).all()

    def cases(self):
        with self.store.connect() as reading:
            return reading.execute(select(schema.cases)).all()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


def test_an_isolated_day_ends_in_one_line_by_mail_and_pages_nobody(store):
    day = Day(store)
    day.chatter()
    mailbox, port = Mailbox(), free_port()
    with serving(mailbox, port=port):
        mailer = day.mailer(port)
        paged = mailer.step()
        day.now_us = MORNING_AFTER

        said = day.watch().step()
        day.judge_all()
        while mailer.step():
            day.judge_all()
        again = day.watch().step(), mailer.step()

    assert (paged, said, again) == (False, 1, (0, False))
    [digest] = newest_digests(store, limit=9)
    assert (digest.day, digest.attempts, digest.endpoints, digest.destinations) == (
        DAY,
        1080,
        6,
        3,
    )
    assert digest.most[0] == Tried(
        destination="198.51.100.7:80", process="/usr/bin/curl", attempts=360
    )
    [mail] = mailbox.mails
    text = mail.get_content()
    assert f"{DAY}：" in text
    assert "1,080" in text
    assert len(text.strip().splitlines()) == 3  # the line, nothing, where the cases are
    assert mail["To"] == "duty@hospital.example"
    assert {case.rule for case in day.cases()} == {"EXT-17"}
    assert len(day.cases()) == ENDPOINTS


def test_the_day_is_not_summed_up_before_the_hospitals_own_morning(store):
    day = Day(store)
    day.chatter(hours=1)
    day.now_us = START_US + 17 * HOUR_US  # 07:05 on the next day in Shanghai

    assert day.watch().step() == 0
    day.now_us += HOUR_US
    assert day.watch().step() == 1


def test_a_day_without_attempts_says_nothing(store):
    day = Day(store)
    day.says("a-1", network(), health())
    day.now_us = MORNING_AFTER

    assert day.watch().step() == 0
    assert day.alerts() == []


def test_whoever_was_off_for_days_tells_each_of_them_once(store):
    day = Day(store)
    day.chatter(hours=1)
    day.now_us = START_US + 24 * HOUR_US
    day.chatter(hours=1)
    day.now_us = START_US + 70 * HOUR_US

    assert day.watch().step() == 2
    day.judge_all()
    assert [each.day for each in newest_digests(store, limit=9)] == ["2026-03-03", DAY]
    assert day.watch().step() == 0


def test_a_replay_of_the_journal_mails_the_day_no_second_time(store):
    day = Day(store)
    day.chatter(hours=1)
    day.now_us = MORNING_AFTER
    mailbox, port = Mailbox(), free_port()
    with serving(mailbox, port=port):
        day.watch().step()
        day.judge_all()
        mailer = day.mailer(port)
        while mailer.step():
            day.judge_all()

        rebuild(store, day.journal)
        day.judge_all()
        after = mailer.step()

    assert after is False
    assert len(mailbox.mails) == 1
    assert [alert.state for alert in day.alerts()] == ["sent"]


def test_nobody_is_mailed_who_does_not_want_the_digest(store):
    day = Day(store, POLICY + "digest = false\n")
    day.chatter(hours=1)
    day.now_us = MORNING_AFTER
    day.watch().step()
    day.judge_all()

    assert day.alerts() == []
    assert len(newest_digests(store, limit=9)) == 1
