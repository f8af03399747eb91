"""How far the judge has come, over a real journal and store."""

import pytest
from sqlalchemy import insert

from collector.entries import EntryKind
from collector.judging.memory import IN_FORCE
from collector.judging.progress import FAR_BEHIND_US, is_far_behind, judged_until
from collector.store import schema


@pytest.fixture
def entries(journal, clock) -> list[int]:
    """Moments at which three acts were received, ten seconds apart."""
    at_us = []
    for _ in range(3):
        journal.append(EntryKind.ACT, b"{}")
        at_us.append(clock.us)
        clock.us += 10_000_000
    return at_us


def come_to(store, entry: int) -> None:
    with store.begin() as connection:
        connection.execute(insert(schema.cursor).values(name=IN_FORCE, entry=entry))


def test_a_store_is_true_until_the_first_entry_that_waits(entries, journal, store, clock):
    come_to(store, 1)

    assert judged_until(store, journal, clock.us) == entries[1]


def test_it_is_true_until_now_where_none_waits(entries, journal, store, clock):
    come_to(store, 3)

    assert judged_until(store, journal, clock.us) == clock.us


def test_before_the_first_step_it_is_true_until_the_journal_s_first_entry(
    entries, journal, store, clock
):
    assert judged_until(store, journal, clock.us) == entries[0]


def test_a_clock_that_was_set_back_does_not_make_it_true_in_the_future(entries, journal, store):
    assert judged_until(store, journal, entries[0] - 5) == entries[0] - 5


def test_a_judge_is_far_behind_after_half_a_minute():
    assert not is_far_behind(0, FAR_BEHIND_US)
    assert is_far_behind(0, FAR_BEHIND_US + 1)
