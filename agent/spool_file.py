"""The spool's file: opened, checked, or set aside and begun anew where it left off."""

import sqlite3
from pathlib import Path

import msgspec

from agent.compression import unpack
from agent.durable import move_aside, read_whole, write_durably
from agent.records import Importance
from agent.sealing import encode_row
from checks.wire import decode_batch

_SCHEMA = """
CREATE TABLE IF NOT EXISTS observation (
    sequence INTEGER PRIMARY KEY,
    importance INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS least_important ON observation (importance, sequence);
CREATE TABLE IF NOT EXISTS sealed (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    body BLOB NOT NULL,
    signature BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS quarantined (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body BLOB NOT NULL,
    signature BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS chain (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    next INTEGER NOT NULL,
    previous TEXT NOT NULL,
    dropped INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS owner (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    agent TEXT NOT NULL,
    anew INTEGER NOT NULL
);
"""

_BROKEN_SUFFIX = ".broken"
_COMPANIONS = ("-wal", "-shm", "-journal")


class SpoolTaken(Exception):
    """Another process has this spool open: two agents must not share one identity."""


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """What must outlive the spool's file: no sequence at or above `reserved` was ever
    given to an observation, and `previous` is the digest of the last batch that the
    collector took.
    """

    reserved: int = 1
    previous: str = ""


class OpenedFile(msgspec.Struct, frozen=True, kw_only=True):
    """`broken` says why an unreadable file was set aside, empty when it was whole."""

    connection: sqlite3.Connection
    broken: str = ""


def open_file(path: Path, watermark: Watermark, *, agent: str) -> OpenedFile:
    """The spool's database; one that SQLite cannot read is kept beside it as `.broken`
    and a new one goes on after every sequence that may have been used.

    A new one begins the record anew: a batch that its predecessor sent may have been
    taken without our knowing.  So does one that another identity (`agent`) filled: the
    collector holds no record under the new name yet.

    Raises:
        SpoolTaken: another process holds it.
        OSError, sqlite3.OperationalError: no database can be made there.
    """
    broken = ""
    connection = _connect(path)
    try:
        _check(connection)
    except sqlite3.DatabaseError as fault:
        connection.close()
        if fault.sqlite_errorname == "SQLITE_BUSY":
            raise SpoolTaken(f"{path} is in use by another agent") from fault
        if not _is_damage(fault):
            raise
        broken = str(fault)
        move_aside(path, _BROKEN_SUFFIX, companions=_COMPANIONS)
        connection = _connect(path)
        _check(connection)
    _begin(connection, watermark, agent)
    return OpenedFile(connection=connection, broken=broken)


def read_watermark(path: Path, *, now_us: int) -> Watermark:
    """The watermark, the first one when there is none.  One that somebody spoilt is as
    high as the clock in milliseconds, which no count of observations reaches.

    Raises:
        OSError: it cannot be read.
    """
    content = read_whole(path)
    if content is None:
        return Watermark()
    try:
        return msgspec.json.decode(content, type=Watermark)
    except msgspec.DecodeError:
        return Watermark(reserved=max(1, now_us // 1000))


def write_watermark(path: Path, watermark: Watermark) -> None:
    write_durably(path, msgspec.json.encode(watermark))


def _begin(connection: sqlite3.Connection, watermark: Watermark, agent: str) -> None:
    """Marks a new file, or one of another identity, as begun anew."""
    connection.execute("BEGIN IMMEDIATE")
    fresh = connection.execute(
        "INSERT OR IGNORE INTO chain VALUES (1, ?, ?, 0)", (watermark.reserved, watermark.previous)
    ).rowcount
    connection.execute("INSERT OR IGNORE INTO owner VALUES (1, ?, ?)", (agent, fresh))
    taken_over = connection.execute(
        "UPDATE owner SET agent = ?, anew = 1 WHERE agent <> ?", (agent, agent)
    ).rowcount
    if taken_over:
        connection.execute("UPDATE chain SET previous = ''")
        _unseal(connection)
    connection.execute("COMMIT")


def _unseal(connection: sqlite3.Connection) -> None:
    """A batch that the identity before signed is taken apart, to be signed anew."""
    for (body,) in connection.execute("SELECT body FROM sealed").fetchall():
        rows = map(encode_row, decode_batch(unpack(body)).batch.observations)
        connection.executemany(
            "INSERT INTO observation VALUES (?, ?, ?, ?)",
            [(row.sequence, int(Importance.EVENT), row.at_us, row.body) for row in rows],
        )
    connection.execute("DELETE FROM sealed")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)


def _check(connection: sqlite3.Connection) -> None:
    """Takes the file for this process, proves that it can be read, makes the tables."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -512")
    (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        damage = sqlite3.DatabaseError(str(answer))
        damage.sqlite_errorname = "SQLITE_CORRUPT"
        raise damage
    connection.executescript(_SCHEMA)


def _is_damage(fault: sqlite3.DatabaseError) -> bool:
    return fault.sqlite_errorname.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
