"""kill -9 on judge and mailer at random points: every fact once, no case twice, no mail
lost, and a repeated mail has the Message-ID of the first.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from checks.policy import Endpoint
from checks.wire import encode
from collector.entries import Enrolled, EntryKind, PolicyApplied
from collector.judge import rebuild
from collector.store import schema
from collector.store.engine import open_journal, open_store
from tests.fakes.batches import POLICY, START_US, connection, health, network, observation, sealed
from tests.fakes.journal import TableJournal
from tests.fakes.mailserver import Mailbox, serving

SEED = 20261122
KILLS = int(os.environ.get("WARDWATCH_KILLS", "30"))
"""30 take half a minute; a longer run asks for more."""
AGENTS = 4
BATCHES_BETWEEN = 3
LONGEST_LIFE_S = 1.6
SETTLES_S = 60.0


class Record:
    """What was put into the journal, to compare with what came out."""

    def __init__(self, folder: Path) -> None:
        self.engine = open_journal(folder)
        schema.journal.create_all(self.engine)
        self.journal = TableJournal(self.engine)
        self.sequences: Counter[str] = Counter()
        applied = PolicyApplied(version=1, actor="wu", text=POLICY)
        self.journal.append(EntryKind.POLICY, encode(applied))
        for number in range(AGENTS):
            agent = f"a-{number}"
            enrolled = Enrolled(endpoint=Endpoint(id=agent, name=agent), host="h", machine="m")
            self.journal.append(EntryKind.ENROLLED, encode(enrolled), agent=agent)

    def grow(self, chance: random.Random) -> None:
        """A batch of 50: states, joined findings, and now and then a new subject."""
        agent = f"a-{chance.randrange(AGENTS)}"
        first = self.sequences[agent] + 1
        interface = f"usb{chance.randrange(4)}"
        facts = [network(), health(), *(connection(interface=interface) for _ in range(48))]
        seen = [observation(first + n, fact, at_us=START_US + n) for n, fact in enumerate(facts)]
        self.sequences[agent] += len(seen)
        last = self.sequences[agent]
        self.journal.put(sealed(agent, seen), agent=agent, first=first, last=last)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


def worker(folder: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fault.judge_worker", str(folder), str(port)],
        env={**os.environ, "PYTHONPATH": "."},
        stderr=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def waited(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    raise AssertionError("the worker ended by itself")


def settled(store: Engine, record: Record) -> bool:
    """Everything judged, every alert away, and the judge knows of every mail."""
    alerts = schema.alerts
    with record.engine.connect() as reading:
        newest = reading.execute(select(func.max(schema.entries.c.id))).scalar_one()
    with store.connect() as reading:
        judged = reading.execute(select(schema.cursor.c.entry)).scalar_one_or_none()
        left = reading.execute(
            select(func.count()).select_from(alerts).where(alerts.c.state != "sent")
        ).scalar_one()
    return judged == newest and not left


def finish(store: Engine, record: Record, folder: Path, port: int) -> None:
    last = worker(folder, port)
    try:
        end = time.monotonic() + SETTLES_S
        while not settled(store, record):
            assert time.monotonic() < end, "not settled"
            waited(last, 0.2)
    finally:
        kill(last)


def derived(store: Engine) -> tuple[list[tuple], Counter[str]]:
    cases = schema.cases
    with store.connect() as reading:
        rows = reading.execute(
            select(cases.c.id, cases.c.rule, cases.c.agent, cases.c.subject, cases.c.count)
        ).all()
        kept = reading.execute(select(schema.observations.c.agent)).scalars()
        return sorted(tuple(row) for row in rows), Counter(kept)


def test_killed_at_random_points_every_fact_counts_once_and_every_alert_arrives(
    store: Engine, tmp_path: Path
) -> None:
    chance, record, box = random.Random(SEED), Record(tmp_path), Mailbox()

    with serving(box) as port:
        for _ in range(KILLS):
            running = worker(tmp_path, port)
            for _ in range(BATCHES_BETWEEN):
                record.grow(chance)
                waited(running, chance.random() * LONGEST_LIFE_S / BATCHES_BETWEEN)
            kill(running)
        finish(store, record, tmp_path, port)
        cases, kept = derived(store)
        mails_before = len(box.mails)
        rebuild(store, record.journal)
        finish(store, record, tmp_path, port)

    assert kept == record.sequences
    subjects = Counter((rule, agent, subject) for _, rule, agent, subject, _ in cases)
    assert len(subjects) > AGENTS
    assert set(subjects.values()) == {1}
    facts_of_cases = sum(count for _, rule, _, _, count in cases if rule == "EXT-01")
    assert facts_of_cases == 48 * KILLS * BATCHES_BETWEEN
    mailed = Counter(str(mail["Message-ID"]) for mail in box.mails)
    assert set(mailed) == {
        f"<{case}.first@hospital.example>" for case, rule, *_ in cases if rule == "EXT-01"
    }
    assert derived(store) == (cases, kept)
    assert len(box.mails) == mails_before
    record.engine.dispose()
