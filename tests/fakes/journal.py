"""Journals for tests: in memory, and a plain one in SQLite for what is killed."""

import threading
import time
from collections.abc import Sequence

from sqlalchemy import Engine, func, insert, select

from collector.entries import EntryKind
from collector.ports import Change, Entry, Subscription
from collector.store import schema


class MemoryJournal:
    """Fits `collector.ports.Journal`; `put` adds an agent's batch as accepted."""

    def __init__(self, now_us: int = 1_772_431_500_000_000) -> None:
        self.entries: list[Entry] = []
        self.now_us = now_us
        self._grown = threading.Condition()

    def append(self, kind: EntryKind, body: bytes, *, agent: str = "") -> int:
        return self._add(Entry(id=0, kind=kind, agent=agent, received_us=self.now_us, body=body))

    def append_all(self, kind: EntryKind, bodies: Sequence[bytes]) -> Sequence[int]:
        return [self.append(kind, body) for body in bodies]

    def put(self, body: bytes, *, agent: str, first: int, last: int) -> int:
        return self._add(
            Entry(
                id=0,
                kind=EntryKind.BATCH,
                agent=agent,
                first=first,
                last=last,
                received_us=self.now_us,
                body=body,
            )
        )

    def after(self, entry: int, limit: int) -> Sequence[Entry]:
        return self.entries[entry : entry + limit]

    def wait_beyond(self, entry: int, timeout: float) -> bool:
        with self._grown:
            return self._grown.wait_for(lambda: len(self.entries) > entry, timeout)

    def _add(self, entry: Entry) -> int:
        with self._grown:
            numbered = Entry(
                **{
                    **{name: getattr(entry, name) for name in Entry.__struct_fields__},
                    "id": len(self.entries) + 1,
                }
            )
            self.entries.append(numbered)
            self._grown.notify_all()
        return numbered.id


class TableJournal:
    """Fits `collector.ports.Journal` over the table alone, one transaction an entry."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def append(self, kind: EntryKind, body: bytes, *, agent: str = "") -> int:
        return self.put(body, agent=agent, kind=kind)

    def append_all(self, kind: EntryKind, bodies: Sequence[bytes]) -> Sequence[int]:
        return [self.append(kind, body) for body in bodies]

    def put(
        self,
        body: bytes,
        *,
        agent: str,
        first: int = 0,
        last: int = 0,
        kind: EntryKind = EntryKind.BATCH,
    ) -> int:
        row = {
            "kind": str(kind),
            "agent": agent,
            "first": first,
            "last": last,
            "received_us": time.time_ns() // 1000,
            "digest": "",
            "signature": b"",
            "body": body,
        }
        with self._engine.begin() as connection:
            done = connection.execute(insert(schema.entries).values(row))
        assert done.inserted_primary_key is not None
        return int(done.inserted_primary_key[0])

    def after(self, entry: int, limit: int) -> Sequence[Entry]:
        table = schema.entries
        wanted = select(table).where(table.c.id > entry).order_by(table.c.id).limit(limit)
        with self._engine.connect() as connection:
            rows = connection.execute(wanted).all()
        return [Entry(**{**row._asdict(), "kind": EntryKind(row.kind)}) for row in rows]

    def wait_beyond(self, entry: int, timeout: float) -> bool:
        with self._engine.connect() as connection:
            last = connection.execute(select(func.max(schema.entries.c.id))).scalar_one()
        if (last or 0) <= entry:
            threading.Event().wait(min(timeout, 0.02))
            return False
        return True


class RecordedChanges:
    """Fits `collector.ports.Changes` for what only publishes and waits."""

    def __init__(self) -> None:
        self.published: list[Change] = []
        self._grown = threading.Condition()

    def publish(self, change: Change) -> None:
        with self._grown:
            self.published.append(change)
            self._grown.notify_all()

    def wait_for_entry(self, entry: int, timeout: float) -> bool:
        with self._grown:
            return self._grown.wait_for(
                lambda: any(change.entry >= entry for change in self.published), timeout
            )

    def subscribe(self) -> Subscription:
        raise NotImplementedError("no test of the judge listens")
