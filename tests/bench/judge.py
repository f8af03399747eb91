"""How fast the judge works: observations judged and searchable per second on SQLite.

The mix is an ordinary day's: connections that an approval covers or that join an open
case, attempts that are counted, heartbeats and network states; 200 endpoints, batches of
100 as accepted, a store that begins empty and grows while it is measured.
"""

import tempfile
import time
from pathlib import Path

from checks.check import discover
from checks.facts import Fact
from checks.wire import encode
from collector.entries import EntryKind, PolicyApplied
from collector.judge import Judge
from collector.store import schema
from collector.store.engine import open_store
from tests.bench.figures import Figure
from tests.fakes.batches import POLICY, START_US, connection, health, network, observation, sealed
from tests.fakes.journal import MemoryJournal, RecordedChanges

ENDPOINTS = 200
BATCH = 100
OBSERVATIONS = 200_000
FEW = 20_000


def measure(*, small: bool = False) -> list[Figure]:
    """One figure for the table of `make bench`."""
    observations = FEW if small else OBSERVATIONS
    journal = _journal(observations)
    load = f"{ENDPOINTS} endpoints, batches of {BATCH}, {observations:,} observations"
    with tempfile.TemporaryDirectory() as folder:
        seconds = _judged(journal, Path(folder))
    return [
        Figure(
            name="judge.sqlite.obs_per_s",
            value=round(observations / seconds),
            unit="observations/s",
            n=observations,
            load=load,
        )
    ]


def _journal(observations: int) -> MemoryJournal:
    journal = MemoryJournal()
    policy = PolicyApplied(version=1, actor="bench", text=POLICY + APPROVED)
    journal.append(EntryKind.POLICY, encode(policy))
    sequences = dict.fromkeys((f"agent-{n:04}" for n in range(ENDPOINTS)), 0)
    agents = list(sequences)
    for number in range(observations // BATCH):
        agent = agents[number % ENDPOINTS]
        first = sequences[agent] + 1
        seen = [
            observation(first + n, _fact(number, n), at_us=START_US + number * 1000 + n)
            for n in range(BATCH)
        ]
        sequences[agent] += BATCH
        journal.put(sealed(agent, seen), agent=agent, first=first, last=sequences[agent])
    return journal


APPROVED = """
[[approved]]
name = "insurance"
destinations = ["198.51.100.0/24"]
expires = 2026-12-31
ports = [443]
"""


def _fact(batch: int, place: int) -> Fact:
    if place == 0:
        return network()
    if place % 20 == 1:
        return health()
    if place % 10 == 2:
        return connection(answer="none", interface="eth0", kind="wired", gateway="10.20.0.1")
    if place % 10 == 3:
        return connection(f"203.0.113.{batch % 200}")
    return connection(f"198.51.100.{place}", interface="eth0", kind="wired", gateway="10.20.0.1")


def _judged(journal: MemoryJournal, folder: Path) -> float:
    """Seconds until everything is judged and committed (WAL, synchronous FULL)."""
    engine = open_store(folder)
    schema.store.create_all(engine)
    judge = Judge(journal=journal, store=engine, changes=RecordedChanges(), checks=discover())
    begun = time.perf_counter()
    while judge.step():
        pass
    seconds = time.perf_counter() - begun
    engine.dispose()
    return seconds
