"""Endpoints that make up hosts, against the real judge, store and pages of a whole hospital."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from checks.facts.network import Neighbour, NeighboursSeen
from checks.policy import Policy
from collector.digest import Attempted, summed
from collector.judging.memory import Memory
from collector.judging.segment import HOSTS_KEPT, HOSTS_OF_ONE, HostRecord, SeenBy
from collector.judging.segmentbook import TOO_MANY_OF_ONE, SegmentBook
from collector.judging.tally import Tally
from collector.learning import PROPOSALS_MOST, Outreach, propose
from collector.unmanaged import WORDS_A_LOOK, words_about

HOUR_US = 3_600_000_000
PATIENCE = 20.0
"""Seconds, on a machine that does other work."""


@pytest.fixture
def quick() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < PATIENCE


def mac(number: int) -> str:
    return "52:54:" + number.to_bytes(4, "big").hex(":")


def told(book: SegmentBook, agent: str, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, 64):
        some = range(start, min(start + 64, numbers.stop))
        neighbours = tuple(
            Neighbour(address="10.20.3.9", mac=mac(n), interface="eth0", how="arp") for n in some
        )
        book.take(agent, NeighboursSeen(neighbours=neighbours), at_us=HOUR_US)


@pytest.mark.usefixtures("quick")
def test_one_liar_takes_only_its_share_and_the_others_are_still_heard():
    memory, tally = Memory(()), Tally()
    book = SegmentBook(memory, tally)

    told(book, "liar", range(100_000))
    told(book, "honest", range(200_000, 200_050))

    assert len(memory.hosts) == HOSTS_OF_ONE + 50
    assert TOO_MANY_OF_ONE in str(tally.unknowns)


def test_a_host_that_another_hears_too_is_no_longer_of_one():
    memory = Memory(())
    book = SegmentBook(memory, Tally())
    told(book, "a", range(10))
    told(book, "b", range(4))

    assert (memory.hosts_of_one["a"], memory.hosts_of_one["b"]) == (6, 0)


@pytest.mark.usefixtures("quick")
def test_many_liars_together_fill_no_more_than_the_bound():
    memory = Memory(())
    book = SegmentBook(memory, Tally())
    for liar in range(20):
        told(book, f"liar-{liar}", range(liar * 4096, (liar + 1) * 4096))

    assert len(memory.hosts) == HOSTS_KEPT


@pytest.mark.usefixtures("quick")
def test_three_thousand_endpoints_with_five_hundred_neighbours_each_are_taken_in():
    memory = Memory(())
    book = SegmentBook(memory, Tally())
    for endpoint in range(0, 3000, 10):  # ten of a ward tell of the same hosts: a share each
        ward = endpoint // 250
        told(book, f"e-{endpoint}", range(ward * 500, (ward + 1) * 500))

    assert len(memory.hosts) == 12 * 500
    assert all(len(host.witnesses) <= 4 for host in memory.hosts.values())


@pytest.mark.usefixtures("quick")
def test_words_about_a_full_table_are_said_a_few_at_a_time():
    hosts = [
        HostRecord(mac=mac(n), witnesses=(SeenBy(agent="a", at_us=1),), first_seen_us=1,
                   since_us=1, last_seen_us=1, inside_us=1)
        for n in range(HOSTS_KEPT)
    ]  # fmt: skip

    words = list(words_about(hosts, now_us=1000 * HOUR_US, policy=Policy()))

    assert len(words) == WORDS_A_LOOK


HOSTILE = "=cmd|' /C calc'!A0<script>\u202e\n" + "x" * 10_000


@pytest.mark.usefixtures("quick")
def test_a_day_of_a_million_attempts_is_one_bounded_line():
    day = datetime(2026, 11, 23, tzinfo=UTC).date()
    tried = (
        Attempted(
            agent=f"e-{n % 3000}", destination=f"203.0.113.{n % 250}:{n % 60_000}",
            process=HOSTILE, count=5,
        )
        for n in range(200_000)
    )  # fmt: skip

    digest = summed(day, tried)

    assert (digest.attempts, digest.endpoints, digest.destinations) == (1_000_000, 3000, 250)
    assert len(digest.most) == 3


@pytest.mark.usefixtures("quick")
def test_proposals_of_fifty_thousand_destinations_are_bounded_and_the_rest_is_counted():
    seen = (
        Outreach(agent=f"e-{n % 3000}", address=f"11.{n >> 8 & 255}.{n & 255}.{n % 7}", port=n % 60_000,
                 protocol="tcp", via="intranet", process=HOSTILE, count=1, first_us=1, last_us=2)
        for n in range(50_000)
    )  # fmt: skip

    found = propose(seen, {})

    assert len(found.proposals) == PROPOSALS_MOST
    assert found.left_out > 0
