"""The journal: what came in, in order, never changed."""

import threading
from collections.abc import Sequence
from time import monotonic

from sqlalchemy import Engine, func, select

from collector.entries import EntryKind
from collector.ingest.writer import JournalWriter
from collector.ports import Clock, Entry
from collector.store import schema

QUEUE_LIMIT = 2_000
LOOKS_EVERY_S = 0.2
"""How soon an entry is noticed that another process wrote (a command, a second collector)."""


class SqlJournal:
    """Fits `collector.ports.Journal`.  `start` before the first append."""

    def __init__(self, engine: Engine, *, clock: Clock, queue_limit: int = QUEUE_LIMIT) -> None:
        self.engine = engine
        self._newest = 0
        self._written = threading.Condition()
        self.writer = JournalWriter(
            engine, clock=clock, queue_limit=queue_limit, on_written=self._heard_of
        )

    def start(self) -> None:
        self.writer.start()

    def close(self) -> None:
        self.writer.close()

    def append(self, kind: EntryKind, body: bytes, *, agent: str = "") -> int:
        """The new entry's id, after it is on disk.

        Raises:
            JournalFailed, JournalClosed.
        """
        return self.writer.submit(lambda page: page.add(kind, body, agent=agent)).result()

    def append_all(self, kind: EntryKind, bodies: Sequence[bytes]) -> Sequence[int]:
        """Ids of the new entries, after they are on disk together.

        Raises:
            JournalFailed, JournalClosed: none was written.
        """
        return self.writer.submit(lambda page: [page.add(kind, body) for body in bodies]).result()

    def after(self, entry: int, limit: int) -> Sequence[Entry]:
        entries = schema.entries
        query = select(entries).where(entries.c.id > entry).order_by(entries.c.id).limit(limit)
        with self.engine.connect() as connection:
            return [
                Entry(
                    id=row.id,
                    kind=EntryKind(row.kind),
                    agent=row.agent,
                    first=row.first,
                    last=row.last,
                    received_us=row.received_us,
                    digest=row.digest,
                    signature=row.signature,
                    body=row.body,
                )
                for row in connection.execute(query)
            ]

    def newest(self) -> int:
        """Id of the newest entry on disk, 0 in an empty journal."""
        with self.engine.connect() as connection:
            return connection.execute(select(func.max(schema.entries.c.id))).scalar() or 0

    def wait_beyond(self, entry: int, timeout: float) -> bool:
        until = monotonic() + timeout
        while True:
            with self._written:
                if self._newest <= entry:
                    left = until - monotonic()
                    self._written.wait(max(0.0, min(left, LOOKS_EVERY_S)))
                if self._newest > entry:
                    return True
            self._heard_of(self.newest())
            if self._newest <= entry and monotonic() >= until:
                return False

    def _heard_of(self, newest: int) -> None:
        with self._written:
            if newest > self._newest:
                self._newest = newest
                self._written.notify_all()
