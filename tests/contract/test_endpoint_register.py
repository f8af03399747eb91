"""A file of the whole register in one entry: judged at once, and again when all is rebuilt."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from checks.check import discover
from checks.policy import Endpoint
from checks.wire import encode
from collector.endpoints.acts import EndpointActs
from collector.entries import Enrolled, EntryKind
from collector.judge import Judge, rebuild
from collector.queries.endpoints import every_endpoint
from collector.store import schema
from collector.store.engine import open_store
from tests.fakes.batches import START_US
from tests.fakes.journal import MemoryJournal, RecordedChanges

MACHINES = 5_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()


def judge_all(journal: MemoryJournal, store: Engine) -> None:
    judge = Judge(journal=journal, store=store, changes=RecordedChanges(), checks=discover())
    while judge.step():
        pass


def test_a_whole_register_is_one_step_and_is_rebuilt_from_the_journal(store):
    journal = MemoryJournal(START_US)
    lines = [Endpoint(id=f"a-{n:04}", name=f"PC-{n:04}") for n in range(MACHINES)]
    for line in lines:
        body = encode(Enrolled(endpoint=line, host=line.name, machine="m"))
        journal.append(EntryKind.ENROLLED, body, agent=line.id)
    judge_all(journal, store)
    changed = [msgspec.structs.replace(line, department="icu", groups=("g",)) for line in lines]
    acts = EndpointActs(journal=journal, changes=RecordedChanges())
    acts.take_in(changed, actor="wang", reason="list.xlsx")
    judge = Judge(journal=journal, store=store, changes=RecordedChanges(), checks=discover())
    judge.step()  # reads what it remembers

    judge.step()

    assert [each.registered for each in every_endpoint(store)] == changed
    rebuild(store, journal)
    judge_all(journal, store)
    assert [each.registered for each in every_endpoint(store)] == changed
