"""Which observations a full spool gives up, from a real table."""

import sqlite3
from collections.abc import Iterator

import pytest

from agent.spool_bound import ROW_OVERHEAD, least_important, older_than

SIZE = 36
FREED = SIZE + ROW_OVERHEAD


@pytest.fixture
def table() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE observation (sequence, at_us, importance, body)")
    yield made
    made.close()


def put(table: sqlite3.Connection, *importances: int) -> None:
    rows = [(n, 10 * n, each, b"x" * SIZE) for n, each in enumerate(importances, 1)]
    table.executemany("INSERT INTO observation VALUES (?, ?, ?, ?)", rows)


def sequences(victims) -> list[int]:
    return [victim.sequence for victim in victims]


def test_the_least_important_go_first_and_of_equals_the_oldest(table):
    put(table, 2, 1, 1, 0)

    assert sequences(least_important(table, 3 * FREED)) == [4, 2, 3]


def test_no_more_go_than_must(table):
    put(table, 1, 1, 1)

    assert sequences(least_important(table, FREED)) == [1]
    assert sequences(least_important(table, FREED + 1)) == [1, 2]
    assert sequences(least_important(table, 0)) == []


def test_all_go_where_they_free_less_than_is_wanted(table):
    put(table, 1, 0)

    assert sequences(least_important(table, 100 * FREED)) == [2, 1]


def test_more_than_a_page_is_read_page_by_page_and_none_twice(table):
    put(table, *([1] * 1203))

    found = sequences(least_important(table, 1201 * FREED))

    assert found == list(range(1, 1202))


def test_those_that_are_older_are_told_with_what_they_free(table):
    put(table, 1, 1, 1)

    found = older_than(table, 30)

    assert [(victim.sequence, victim.at_us, victim.freed) for victim in found] == [
        (1, 10, FREED),
        (2, 20, FREED),
    ]
