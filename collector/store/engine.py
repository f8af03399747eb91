"""Connections to the collector's two databases.

Reads see what was last committed and never wait for a writer (WAL).  A write takes the
file's only write lock with its first statement (BEGIN IMMEDIATE), so it cannot fail half
way because another process wrote in between.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

JOURNAL_FILE = "journal.sqlite3"
STORE_FILE = "store.sqlite3"
PATIENCE_MS = 15_000
"""How long one writer waits for another before it gives up."""
CONNECTIONS_KEPT = 8
CONNECTIONS_MORE = 24

_PRAGMAS = (
    f"PRAGMA busy_timeout = {PATIENCE_MS}",
    "PRAGMA journal_mode = WAL",
    # FULL: a commit that was acknowledged survives a power cut; https://sqlite.org/pragma.html
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16000",
    "PRAGMA journal_size_limit = 67108864",
)


def open_journal(state_dir: Path) -> Engine:
    return open_database(state_dir / JOURNAL_FILE)


def open_store(state_dir: Path) -> Engine:
    return open_database(state_dir / STORE_FILE)


def open_database(path: Path) -> Engine:
    """An engine for this SQLite file, which is made on first use."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=CONNECTIONS_KEPT,
        max_overflow=CONNECTIONS_MORE,
        connect_args={"isolation_level": "IMMEDIATE", "check_same_thread": False},
    )
    event.listen(engine, "connect", _set_up)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its beginning: what it reads stays
    true until it commits.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()
