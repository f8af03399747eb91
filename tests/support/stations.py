"""A composed collector with enrolled stations, for what goes through its HTTP door."""

import asyncio
import base64
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
from backports import zstd
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Table, insert, select

from checks.facts import Fact
from checks.facts.media import Medium
from checks.facts.media_register import MediumStanding
from checks.facts.receipts import ReceiptIssued, ScanReceipt, SignedReceipt
from checks.receipts import MANIFEST_PATH, named, signed_octets
from checks.wire import (
    BATCH_DOMAIN,
    PROTOCOL,
    Batch,
    MediumAsked,
    Observation,
    digest,
    encode,
    signed_request,
)
from collector.app import KEY_FOLDER, Collector, compose, wall_clock
from collector.commands.media import Judged
from collector.config import Ingest, Settings
from collector.entries import EntryKind, Revoked
from collector.journal import SqlJournal
from collector.judge import rebuild
from collector.keys import Keys
from collector.policies import SqlPolicies
from collector.queries.receipts import StoredReceipts
from collector.store import schema
from collector.store.engine import open_journal
from collector.store.migrate import migrate_all
from tests.samples import STICK

DAY_US = 24 * 3600 * 1_000_000
JUDGED_WITHIN_S = 20.0


class Stations:
    """The collector works until `close`; agents are enrolled by `station`."""

    def __init__(self, folder: Path, *, manifests_mib: int = 8) -> None:
        self.settings = Settings(state_dir=folder, ingest=Ingest(manifests_mib=manifests_mib))
        Keys(folder / KEY_FOLDER).make(("fd00::5",), now=datetime.now(UTC))
        migrate_all(folder)
        journal = SqlJournal(open_journal(folder), clock=wall_clock)
        journal.start()
        SqlPolicies(journal.engine, journal.writer).apply("", actor="li")
        journal.close()
        journal.engine.dispose()
        self.collector: Collector = compose(self.settings)
        self.collector.start()
        self._application = self.collector.application()

    def close(self) -> None:
        self.collector.end_streams()
        self.collector.close()

    def station(self, agent: str) -> "Station":
        made = Station(agent, self)
        row = {
            "agent": agent,
            "public_key": made.key.public_key().public_bytes_raw().hex(),
            "host": agent,
            "machine": "m",
            "token": "",
            "enrolled_us": wall_clock(),
        }
        with self.collector.journal_engine.begin() as connection:
            connection.execute(insert(schema.agents).values(row))
        return made

    def apply(self, policy: str) -> None:
        """Over the one in force."""
        self.collector.policies.apply(policy, actor="li")
        self.judged()

    def revoke(self, what: str, subject: str, *, since_us: int = 0) -> None:
        done = Revoked(what=what, subject=subject, actor="wu", reason="test", since_us=since_us)
        entry = self.collector.journal.append(EntryKind.RECEIPTS, encode(done))
        self.judged(entry)

    def state(self, receipt: ScanReceipt) -> str:
        """What the ledger says of it, empty where it is not in it."""
        found = StoredReceipts(self.collector.store_engine).receipt(receipt.id)
        return found.state(wall_clock()) if found else ""

    def rows(self, table: Table) -> list[tuple[object, ...]]:
        with self.collector.store_engine.connect() as connection:
            return sorted(tuple(row) for row in connection.execute(select(table)))

    def rebuild(self) -> None:
        """Everything derived is forgotten and judged again."""
        store, journal = self.collector.store_engine, self.collector.journal
        rebuild(store, journal)
        assert Judged(store).wait_for_entry(journal.newest(), JUDGED_WITHIN_S)

    def judged(self, entry: int = 0) -> None:
        """Returns when this entry, or everything until now, is in the store."""
        until = entry or self.collector.journal.newest()
        assert self.collector.changes.wait_for_entry(until, JUDGED_WITHIN_S)

    def ask(self, method: str, path: str, **told: object) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._application, client=("127.0.0.1", 50_000))
            async with httpx.AsyncClient(transport=transport, base_url="https://w") as client:
                return await client.request(method, path, **told)

        return asyncio.run(asked())


class Station:
    """One agent with a key of its own."""

    def __init__(self, agent: str, collector: Stations) -> None:
        self.agent = agent
        self.key = Ed25519PrivateKey.generate()
        self._collector = collector
        self._last, self._previous = 0, ""

    def tell(self, *facts: Fact, behind_us: int = 0) -> None:
        """Its next batch, by a clock that is `behind_us`; returns when it was judged."""
        now_us, first = wall_clock(), self._last + 1
        self._last += len(facts)
        batch = Batch(
            protocol=PROTOCOL,
            agent=self.agent,
            machine="m",
            first=first,
            last=self._last,
            previous=self._previous,
            sent_at_us=now_us,
            observations=tuple(
                _observation(first + n, fact, behind_us) for n, fact in enumerate(facts)
            ),
        )
        body = zstd.compress(encode(batch), 1)
        self._previous = digest(body)
        headers = {**self._signed(BATCH_DOMAIN + body), "Content-Encoding": "zstd"}
        answer = self._collector.ask("POST", "/agent/v1/batches", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        self._collector.judged()

    def receipt(self, **changes: object) -> ScanReceipt:
        """Of a full scan of the stick, a minute ago, unless told otherwise."""
        scanned_us = wall_clock() - 60_000_000
        fields: dict[str, object] = {
            "medium": STICK.key,
            "fingerprint": "f" * 64,
            "files": 3,
            "bytes": 4096,
            "engine": "ClamAV 1.4.6",
            "signatures": "27801",
            "signatures_at_us": scanned_us - DAY_US,
            "station": self.agent,
            "scanned_us": scanned_us,
            "expires_us": scanned_us + 30 * DAY_US,
            **changes,
        }
        return named(ScanReceipt(**fields))

    def issues(self, receipt: ScanReceipt, *, signature: str = "") -> ScanReceipt:
        made = signature or self.key.sign(signed_octets(receipt)).hex()
        self.tell(ReceiptIssued(signed=SignedReceipt(receipt=receipt, signature=made)))
        return receipt

    def in_force(self, medium: Medium = STICK) -> str:
        """The id of the receipt that it is told for the medium, empty for none."""
        body, path = encode(MediumAsked(medium=medium)), "/agent/v1/media"
        headers = self.signed_headers("POST", path, body)
        answer = self._collector.ask("POST", path, content=body, headers=headers)
        standing = msgspec.json.decode(answer.content, type=MediumStanding)
        return standing.receipt.receipt.id if standing.receipt else ""

    def puts(
        self, receipt: str, body: bytes, *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        path = MANIFEST_PATH + receipt
        told = headers or self.signed_headers("PUT", path, body)
        return self._collector.ask("PUT", path, content=body, headers=told)

    def gets(self, receipt: str) -> httpx.Response:
        path = MANIFEST_PATH + receipt
        return self._collector.ask("GET", path, headers=self.signed_headers("GET", path))

    def signed_headers(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        date = str(wall_clock())
        signed = self._signed(signed_request(method, path, date, body))
        return {**signed, "Wardwatch-Date": date}

    def _signed(self, message: bytes) -> dict[str, str]:
        signature = base64.b64encode(self.key.sign(message)).decode("ascii")
        return {"Wardwatch-Agent": self.agent, "Wardwatch-Signature": signature}


def _observation(sequence: int, fact: Fact, behind_us: int) -> Observation:
    return Observation(
        sequence=sequence,
        at_us=wall_clock() - behind_us,
        boot="6f0b0a36-0000-4000-8000-000000000001",
        monotonic_us=sequence,
        sensor="media",
        fact=fact,
    )
