"""The silence watch over a real store, together with the judge that reads its words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from checks.check import discover
from checks.facts.health import AgentStopping
from checks.facts.network import Neighbour, NeighboursSeen
from checks.policy import Policy, parse_policy
from checks.wire import encode
from collector.coverage import coverage
from collector.entries import EntryKind, PolicyApplied, TrustEnded
from collector.judge import Judge
from collector.silence import SilenceWatch
from collector.store import schema
from collector.store.engine import open_store
from tests.fakes.batches import POLICY, START_US, health, network, observation, sealed
from tests.fakes.journal import MemoryJournal, RecordedChanges

SECOND = 1_000_000


class Ward:
    """Two endpoints, a judge, and a clock that the test moves; fits PolicySource."""

    def __init__(self, store: Engine) -> None:
        self.store = store
        self.now_us = START_US
        self.journal = MemoryJournal(START_US)
        self.judge = Judge(
            journal=self.journal, store=store, changes=RecordedChanges(), checks=discover()
        )
        self.sequences = {"a-1": 0, "a-2": 0}
        applied = PolicyApplied(version=1, actor="wu", text=POLICY)
        self.journal.append(EntryKind.POLICY, encode(applied))

    def says(self, agent: str, *facts) -> None:
        first = self.sequences[agent] + 1
        seen = [observation(first + n, fact, at_us=self.now_us) for n, fact in enumerate(facts)]
        self.sequences[agent] += len(seen)
        self.journal.now_us = self.now_us
        self.journal.put(sealed(agent, seen), agent=agent, first=first, last=self.sequences[agent])
        self.judge_all()

    def judge_all(self) -> None:
        while self.judge.step():
            pass

    def watch(self) -> SilenceWatch:
        return SilenceWatch(
            journal=self.journal, store=self.store, policies=self, clock=lambda: self.now_us
        )

    def current(self) -> Policy:
        return parse_policy(POLICY, version=1)

    def text(self) -> str:
        return POLICY

    def apply(self, text: str, *, actor: str, over: int | None = None) -> Policy:
        raise NotImplementedError

    def words(self) -> int:
        return sum(entry.kind is EntryKind.WORD for entry in self.journal.entries)

    def cases(self):
        with self.store.connect() as reading:
            return reading.execute(select(schema.cases)).all()

    def state(self, agent: str) -> str:
        with self.store.connect() as reading:
            return reading.execute(
                select(schema.endpoints.c.state).where(schema.endpoints.c.agent == agent)
            ).scalar_one()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    store = open_store(tmp_path)
    schema.store.create_all(store)
    yield Ward(store)
    store.dispose()


def look(ward: Ward, watch: SilenceWatch) -> int:
    said = watch.step()
    ward.judge_all()
    return said


def test_an_endpoint_that_a_neighbour_still_sees_is_lost(ward):
    ward.says("a-1", network(), health())
    watch = ward.watch()
    ward.now_us += 80 * SECOND
    seen = Neighbour(address="10.20.3.17", mac="52:54:00:00:00:02", interface="eth0")
    ward.says("a-2", health(), NeighboursSeen(neighbours=(seen,)))
    assert look(ward, watch) == 0

    ward.now_us += 15 * SECOND
    assert look(ward, watch) == 1
    assert look(ward, watch) == 0

    [case] = ward.cases()
    assert (case.rule, case.agent, case.severity) == ("EXT-12", "a-1", "high")
    assert case.params["witnesses"] == "a-2"
    assert (ward.state("a-1"), ward.state("a-2")) == ("silent", "online")


def test_a_pulled_cable_is_a_notice_after_ten_minutes_and_the_grade_rises_after_days(ward):
    ward.says("a-1", network(), health())
    watch = ward.watch()

    grades = []
    for passed in (91, 600, 3600, 7 * 86400):
        ward.now_us = START_US + passed * SECOND
        look(ward, watch)
        grades.append([case.severity for case in ward.cases()])

    assert grades == [[], ["notice"], ["notice"], ["medium"]]
    assert ward.words() == 3


def test_a_restarted_collector_is_patient_anew_and_repeats_nothing(ward):
    ward.says("a-1", network(), health())
    ward.now_us += 3600 * SECOND
    watch = ward.watch()

    assert look(ward, watch) == 0
    ward.now_us += 91 * SECOND
    assert look(ward, watch) == 1
    ward.now_us += 3600 * SECOND
    restarted = ward.watch()
    ward.now_us += 91 * SECOND
    assert look(ward, restarted) == 0


def test_whoever_said_goodbye_is_not_silent(ward):
    ward.says("a-1", network(), health(), AgentStopping(reason="shutdown"))
    watch = ward.watch()
    ward.now_us += 3600 * SECOND

    assert look(ward, watch) == 0
    assert (ward.state("a-1"), ward.cases()) == ("off", [])


def test_nobody_waits_for_an_agent_in_which_trust_was_ended(ward):
    ward.says("a-1", network(), health())
    watch = ward.watch()
    done = TrustEnded(actor="wu", reason="stolen")
    ward.journal.append(EntryKind.TRUST, encode(done), agent="a-1")
    ward.judge_all()
    ward.now_us += 3600 * SECOND

    assert look(ward, watch) == 0
    assert (ward.state("a-1"), ward.cases()) == ("revoked", [])


def test_silence_is_a_hole_until_the_endpoint_itself_tells(ward):
    ward.says("a-1", network(), health())
    watch = ward.watch()
    ward.now_us += 100 * SECOND
    look(ward, watch)
    silent = coverage(ward.store, "a-1", START_US, ward.now_us)

    ward.says("a-1", health())
    back = coverage(ward.store, "a-1", START_US, ward.now_us)

    assert ([hole.cause for hole in silent.holes], silent.share) == (["silent"], 0.0)
    assert (back.holes, back.share) == ((), 1.0)
    assert ward.state("a-1") == "online"
    ward.now_us += 100 * SECOND
    assert look(ward, watch) == 1


def test_what_was_received_and_not_judged_yet_is_not_silence(ward):
    ward.says("a-1", network(), health())
    watch = ward.watch()
    ward.now_us += 80 * SECOND
    ward.journal.now_us = ward.now_us
    heard = observation(3, health(), at_us=ward.now_us)
    ward.journal.put(sealed("a-1", [heard]), agent="a-1", first=3, last=3)
    ward.now_us += 20 * SECOND

    assert watch.step() == 0
    ward.now_us += 3600 * SECOND
    assert watch.step() == 0
    ward.judge_all()
    assert watch.step() == 1
