"""How fast the receipt in force is found among many, and how long a whole station's, or a
whole version of signatures', receipts take to be revoked.

The ledger is a store on disk; receipts of 50,000 media by 100 stations, each medium with a
chain of four.
"""

import random
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, insert

from checks.check import discover
from checks.facts.receipts import ScanReceipt, SignedReceipt
from checks.receipts import named
from checks.wire import encode
from collector.entries import EntryKind, Revoked, RevokedWhat
from collector.judge import Judge
from collector.judging.mediarows import receipt_row
from collector.judging.memory import cursor_of
from collector.judging.receipts import LedgerReceipt
from collector.media.answers import Standings
from collector.queries.receipts import StoredReceipts
from collector.store import schema
from collector.store.engine import open_store
from tests.bench.figures import Figure
from tests.bench.register import OnePolicy
from tests.fakes.journal import MemoryJournal, RecordedChanges
from tests.samples import NOW_US, STICK

RECEIPTS = 200_000
FEW = 20_000
CHAIN = 4
STATIONS = 100
VERSIONS = 20
LOOKUPS = 5_000
WRITTEN_TOGETHER = 10_000
DAY_US = 24 * 3600 * 1_000_000
SEED = 20_261_123


def measure(*, small: bool = False) -> list[Figure]:
    """Four figures for the table of `make bench`."""
    receipts = FEW if small else RECEIPTS
    media = receipts // CHAIN
    load = f"{receipts:,} receipts of {media:,} media by {STATIONS} stations"
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder))
        schema.store.create_all(store)
        _fill(store, media)
        chance = random.Random(SEED)
        chosen = [f"key-{chance.randrange(media)}" for _ in range(LOOKUPS)]
        known = StoredReceipts(store)
        began = time.perf_counter()
        found = sum(known.in_force(key, NOW_US, lambda _: True) is not None for key in chosen)
        looked_up = time.perf_counter() - began
        assert found == LOOKUPS
        answered = _answered(store)
        station = _revoked(store, "station", "station-7")
        signatures = _revoked(store, "signatures", "27803")
        store.dispose()
    return [
        Figure(
            name="receipts.lookup_us",
            value=round(looked_up / LOOKUPS * 1e6),
            unit="us",
            n=LOOKUPS,
            load=load,
        ),
        Figure(
            name="receipts.answer_us",
            value=round(answered * 1e6),
            unit="us",
            n=LOOKUPS // 10,
            load=f"{load}, signed",
        ),
        Figure(
            name="receipts.revoke_station_ms",
            value=round(station * 1e3),
            unit="ms",
            n=receipts // STATIONS,
            load=f"{load}, one station with all that rests on it",
        ),
        Figure(
            name="receipts.revoke_signatures_ms",
            value=round(signatures * 1e3),
            unit="ms",
            n=receipts // VERSIONS,
            load=f"{load}, one of {VERSIONS} versions",
        ),
    ]


def _answered(store: Engine) -> float:
    """Seconds for one answer to an agent."""
    signer = Ed25519PrivateKey.generate()
    standings = Standings(store, OnePolicy(), signer, clock=lambda: NOW_US)
    began = time.perf_counter()
    for _ in range(LOOKUPS // 10):
        standings.answer(STICK, "agent-1")
    return (time.perf_counter() - began) / (LOOKUPS // 10)


def _revoked(store: Engine, what: RevokedWhat, subject: str) -> float:
    """Seconds until everything of it, and what rests on that, is out of force."""
    journal = MemoryJournal()
    journal.now_us = NOW_US
    done = Revoked(what=what, subject=subject, actor="bench", reason="bench")
    with store.connect() as connection:
        judged = cursor_of(connection)
    for _ in range(judged + 1):  # those before were judged already
        journal.append(EntryKind.RECEIPTS, encode(done))
    judge = Judge(journal=journal, store=store, changes=RecordedChanges(), checks=discover())
    began = time.perf_counter()
    while judge.step():
        pass
    taken = time.perf_counter() - began
    assert not StoredReceipts(store).covered(done, NOW_US)
    return taken


def _fill(store: Engine, media: int) -> None:
    columns = [column.name for column in schema.receipts.columns]
    rows: list[dict[str, object]] = []
    for number in range(media):
        rows += [dict(zip(columns, receipt_row(one), strict=True)) for one in _chain(number)]
        if len(rows) >= WRITTEN_TOGETHER or number == media - 1:
            with store.begin() as connection:
                connection.execute(insert(schema.receipts), rows)
            rows = []


def _chain(number: int) -> list[LedgerReceipt]:
    """A full scan and three that rest on it, each at another station."""
    made: list[LedgerReceipt] = []
    for link in range(CHAIN):
        receipt = named(
            ScanReceipt(
                medium=f"key-{number}",
                fingerprint=f"{number}.{link}",
                files=10,
                bytes=1000,
                engine="ClamAV 1.4.6",
                signatures=str(27_800 + number % VERSIONS),
                signatures_at_us=NOW_US - DAY_US,
                station=f"station-{(number + link) % STATIONS}",
                how="changed" if link else "full",
                extends=made[-1].id if made else "",
                scanned_us=NOW_US - (CHAIN - link) * DAY_US,
                expires_us=NOW_US + 20 * DAY_US,
            )
        )
        signed = SignedReceipt(receipt=receipt, signature="0" * 128)
        made.append(
            LedgerReceipt(
                signed=signed, expires_us=receipt.expires_us, received_us=receipt.scanned_us
            )
        )
    return made
