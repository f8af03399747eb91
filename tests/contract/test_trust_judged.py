"""What becomes of an endpoint, its cases and its coverage when trust in its agent ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from checks.check import discover
from checks.facts.health import AgentStopping, EndpointSilent
from checks.wire import encode
from collector.coverage import coverage
from collector.entries import EntryKind, PolicyApplied, TrustEnded, Word
from collector.judge import DERIVED, Judge, rebuild
from collector.judging.records import EndpointRecord
from collector.queries.endpoints import endpoint_named
from collector.queries.overview import endpoint_states
from collector.store import schema
from collector.store.engine import open_store
from tests.fakes.batches import POLICY, START_US, connection, health, network, observation, sealed
from tests.fakes.journal import MemoryJournal, RecordedChanges

AGENT = "a-0001"
SECOND_US = 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def journal() -> MemoryJournal:
    journal = MemoryJournal(START_US)
    journal.append(EntryKind.POLICY, encode(PolicyApplied(version=7, actor="wu", text=POLICY)))
    return journal


def sent(journal, *facts) -> None:
    seen = [observation(1 + n, fact, at_us=START_US) for n, fact in enumerate(facts)]
    journal.put(sealed(AGENT, seen), agent=AGENT, first=1, last=len(facts))


def revoked(journal, *, at_us: int) -> None:
    journal.now_us = at_us
    done = TrustEnded(actor="wu", reason="stolen")
    journal.append(EntryKind.TRUST, encode(done), agent=AGENT)


def judged(journal, store) -> EndpointRecord:
    judge = Judge(journal=journal, store=store, changes=RecordedChanges(), checks=discover())
    while judge.step():
        pass
    found = endpoint_named(store, AGENT)
    assert found is not None
    return found


def rows(store, table) -> list[tuple]:
    with store.connect() as connection:
        return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)


def test_its_open_cases_stay_open(journal, store):
    sent(journal, network(), health(), connection())
    judged(journal, store)
    before = rows(store, schema.cases)
    revoked(journal, at_us=START_US + SECOND_US)

    endpoint = judged(journal, store)

    assert len(before) == 1
    assert rows(store, schema.cases) == before
    assert (endpoint.state, endpoint.open_cases) == ("revoked", 1)
    assert endpoint_states(store) == {"online": 0, "off": 0, "silent": 0, "revoked": 1}


def test_from_then_on_nothing_is_watched_there_and_it_is_told_by_whom_and_why(journal, store):
    sent(journal, network(), health())
    end_us = START_US + 100 * SECOND_US
    revoked(journal, at_us=START_US + 75 * SECOND_US)

    judged(journal, store)

    told = coverage(store, AGENT, START_US, end_us)
    [hole] = told.holes
    assert told.share == 0.75
    assert (hole.cause, hole.detail, hole.sensor, hole.to_us) == ("revoked", "wu: stolen", "*", 0)


def test_what_was_switched_off_before_is_off_until_then(journal, store):
    sent(journal, network(), health(), AgentStopping(reason="shutdown"))
    revoked(journal, at_us=START_US + 50 * SECOND_US)

    judged(journal, store)

    holes = coverage(store, AGENT, START_US, START_US + 100 * SECOND_US).holes
    assert [(hole.cause, hole.to_us) for hole in holes] == [
        ("off", START_US + 50 * SECOND_US),
        ("revoked", 0),
    ]


def test_what_was_silent_before_was_not_watched_since_it_was_heard(journal, store):
    sent(journal, network(), health())
    silent = EndpointSilent(
        endpoint=AGENT, last_heard_us=START_US, silent_for_us=40 * SECOND_US, witnesses=()
    )
    word = Word(at_us=START_US + 40 * SECOND_US, fact=silent)
    journal.append(EntryKind.WORD, encode(word), agent=AGENT)
    revoked(journal, at_us=START_US + 50 * SECOND_US)

    endpoint = judged(journal, store)

    told = coverage(store, AGENT, START_US, START_US + 100 * SECOND_US)
    assert (endpoint.state, told.share) == ("revoked", 0.0)


def test_a_store_derived_anew_says_the_same(journal, store):
    sent(journal, network(), health(), connection())
    revoked(journal, at_us=START_US + SECOND_US)
    judged(journal, store)
    before = {table.name: rows(store, table) for table in DERIVED}

    rebuild(store, journal)
    judged(journal, store)

    assert {table.name: rows(store, table) for table in DERIVED} == before
