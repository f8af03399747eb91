"""A journal and a store on disk, made by the schema that the migrations are held to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from collector.journal import SqlJournal
from collector.store import schema
from collector.store.engine import open_journal, open_store

NOW_US = 1_795_000_000_000_000


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.us = NOW_US
        self.s = 0.0

    def __call__(self) -> int:
        return self.us

    def seconds(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[SqlJournal]:
    engine = open_journal(tmp_path)
    schema.journal.create_all(engine)
    made = SqlJournal(engine, clock=clock)
    made.start()
    yield made
    made.close()
    engine.dispose()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(tmp_path)
    schema.store.create_all(engine)
    yield engine
    engine.dispose()
