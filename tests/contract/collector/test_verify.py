"""What is said of a journal that somebody has changed."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert

from collector.entries import EntryKind
from collector.ingest.receiving import Claim, check_batch
from collector.journal import SqlJournal
from collector.store import schema
from collector.store.engine import JOURNAL_FILE, open_journal
from collector.verify import Fault, faults
from tests.free_port import free_port
from tests.sender import RealCollector, Sender

OLDEST, MIDDLE, NEWEST = 1, 2, 3


@pytest.fixture
def record(tmp_path: Path, journal: SqlJournal) -> Path:
    """A journal with three batches of one agent, and a person's act after them."""
    sender = Sender(agent="pc1")
    row = {
        "agent": "pc1",
        "public_key": sender.key.public_key().public_bytes_raw().hex(),
        "host": "h",
        "machine": "m",
        "token": "t",
        "enrolled_us": 1,
    }
    with journal.engine.begin() as connection:
        connection.execute(insert(schema.agents).values(row))
    for count in (2, 3, 4):
        body = sender.seal(count)
        claim = Claim(
            agent="pc1",
            signature=sender.headers(body)["Wardwatch-Signature"],
            encoding="zstd",
            body=body,
        )
        checked = check_batch(claim, sender.key.public_key())
        journal.writer.submit_batch(checked.batch).result()
        sender.took(body, count)
    journal.append(EntryKind.ACT, b'{"case":"c","act":"comment","actor":"li","reason":"r"}')
    return tmp_path / JOURNAL_FILE


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[SqlJournal]:
    """As another process would read it."""
    engine = open_journal(tmp_path)
    yield SqlJournal(engine, clock=lambda: 0)
    engine.dispose()


def tamper(journal: Path, *statements: str) -> None:
    with closing(sqlite3.connect(journal)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def flip_a_byte(journal: Path, entry: int) -> None:
    with closing(sqlite3.connect(journal)) as database:
        (body,) = database.execute("SELECT body FROM entries WHERE id = ?", (entry,)).fetchone()
        wrong = bytearray(body)
        wrong[len(wrong) // 2] ^= 1
        database.execute("UPDATE entries SET body = ? WHERE id = ?", (bytes(wrong), entry))
        database.commit()


def found(journal: SqlJournal) -> list[Fault]:
    return list(faults(journal.engine, journal))


def said(journal: SqlJournal) -> list[tuple[int, str]]:
    return [(fault.entry, fault.what) for fault in found(journal)]


def test_a_whole_journal_has_no_fault(record, fresh):
    assert found(fresh) == []


def test_a_flipped_byte_fits_neither_digest_nor_signature(record, fresh):
    flip_a_byte(record, MIDDLE)

    told = said(fresh)

    assert told[:2] == [
        (MIDDLE, "the batch is not the one that was received (digest)"),
        (MIDDLE, "the signature is not the agent's"),
    ]
    assert {entry for entry, _ in told} == {MIDDLE}


def test_a_removed_entry_is_missed_by_its_number_and_by_the_batch_after_it(record, fresh):
    tamper(record, f"DELETE FROM entries WHERE id = {MIDDLE}")

    (number, missing), (after, chain) = said(fresh)

    assert (number, missing) == (NEWEST, "entries 2 to 2 are missing before it")
    assert after == NEWEST
    assert chain.startswith("the batch before it is missing: it follows ")


def test_a_removal_that_is_covered_by_new_numbers_still_breaks_the_chain(record, fresh):
    tamper(
        record,
        f"DELETE FROM entries WHERE id = {MIDDLE}",
        "UPDATE entries SET id = id - 1 WHERE id = 3",
        "UPDATE entries SET id = id - 1 WHERE id = 4",
    )

    ((entry, what),) = said(fresh)

    assert entry == MIDDLE
    assert what.startswith("the batch before it is missing")


def test_entries_in_another_order_break_the_chain_at_each(record, fresh):
    tamper(
        record,
        "UPDATE entries SET id = 9 WHERE id = 2",
        "UPDATE entries SET id = 2 WHERE id = 3",
        "UPDATE entries SET id = 3 WHERE id = 9",
    )

    told = said(fresh)

    assert [entry for entry, what in told if what.startswith("the batch before it")] == [2, 3]
    assert told[-1] == (0, "acknowledged up to 9, here only up to 5")


def test_the_newest_batch_is_missed_although_nothing_follows_it(record, fresh):
    tamper(record, "DELETE FROM entries WHERE id >= 3")

    assert said(fresh) == [(0, "acknowledged up to 9, here only up to 5")]


def test_a_batch_under_another_name_is_found(record, fresh):
    tamper(record, "UPDATE entries SET agent = 'pc2' WHERE id = 1")

    assert (OLDEST, "nobody of this name is enrolled") in said(fresh)


def test_a_range_that_is_not_the_batch_s_is_found(record, fresh):
    tamper(record, 'UPDATE entries SET "first" = 2 WHERE id = 1')

    assert said(fresh) == [(OLDEST, "it holds pc1 1 to 2")]


def test_an_act_that_cannot_be_read_is_found(record, fresh):
    tamper(record, "UPDATE entries SET body = '{' WHERE id = 4")

    ((entry, what),) = said(fresh)

    assert entry == 4
    assert what.startswith("the act cannot be read")


def test_the_command_says_each_fault_and_ends_with_status_3(record, tmp_path):
    flip_a_byte(record, MIDDLE)
    collector = RealCollector(tmp_path, free_port())
    collector.config.write_text(f'state_dir = "{tmp_path}"\n')

    told = collector.command("verify", expect=3).splitlines()

    assert told[0] == "entry 2 pc1: the batch is not the one that was received (digest)"
    assert told[-1] == f"4 entries checked, {len(told) - 1} faults"
