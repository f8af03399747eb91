"""Observations on disk until the collector has them: put · lease · commit · give back.

One SQLite file (write-ahead log, every commit synced).  What `put` returned from
survives a kill and a power cut; it leaves only when the collector has acknowledged it,
or when the bound drops it, and then a `SensorGap` with the count goes in its place, in
the same transaction.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from agent.records import EVERY_SENSOR, Importance, Moment, Record
from agent.sealing import Row, Sealed, Sealer, encode_row
from agent.spool_bound import (
    KEPT_AFTER_DROPPING,
    ROW_OVERHEAD,
    Victim,
    least_important,
    older_than,
)
from agent.spool_file import open_file, read_watermark, write_watermark
from checks.facts.health import SensorGap
from checks.wire import Observation, digest

RESERVE = 10_000
"""Sequences promised at once in the watermark file, so that it is written rarely."""


class SpoolFull(Exception):
    """The disk takes no more; nothing was changed and nothing is lost by it."""


class LeaseOut(Exception):
    """A batch is already on its way; commit it or give it back first."""


class SpoolFill(msgspec.Struct, frozen=True, kw_only=True):
    """How full it is.  `dropped` and `quarantined` count observations since ever."""

    waiting: int = 0
    bytes: int = 0
    limit: int = 0
    dropped: int = 0
    quarantined: int = 0


class Spool:
    """Used by the loop (put) and the uplink (lease, commit); safe between threads."""

    def __init__(
        self,
        path: Path,
        *,
        boot: str,
        sealer: Sealer,
        now: Callable[[], Moment],
        limit_bytes: int,
    ) -> None:
        """Opens or makes the file.  `broken` afterwards tells why an older one was set
        aside, empty when nothing was wrong; `has_run`, that sequences were used before.

        Raises:
            SpoolTaken: another process holds it.
            OSError, sqlite3.OperationalError: no spool can be made there.
        """
        self.limit_bytes = limit_bytes
        self._boot = boot
        self._sealer = sealer
        self._now = now
        self._watermark_file = path.with_name("watermark.json")
        self._watermark = read_watermark(self._watermark_file, now_us=now().at_us)
        opened = open_file(path, self._watermark, agent=sealer.agent)
        self.broken = opened.broken
        self._db = opened.connection
        self._lock = threading.RLock()
        self._leased: Sealed | None = None
        self._measure()
        self.has_run = self._next > 1

    def put(self, records: Sequence[Record]) -> range:
        """Gives the records their sequences; they are on disk when this returns.

        Raises:
            SpoolFull: the disk is full; none of them was taken.
        """
        with self._lock:
            first = self._next
            self._reserve(first + len(records) + 1)
            with self._transaction():
                self._insert(records)
                self._drop_beyond_limit()
            return range(first, first + len(records))

    def expire(self, before_us: int) -> None:
        """Drops what was seen before this wall-clock time, and says how much.

        Raises:
            SpoolFull: the disk is full.
        """
        with self._lock:
            old = older_than(self._db, before_us)
            if old:
                self._reserve(self._next + 1)
                with self._transaction():
                    self._drop(old, "older than the spool keeps")

    def lease(self, limit_observations: int, limit_bytes: int) -> Sealed | None:
        """The batch to send next, oldest first, the same bytes until it is committed;
        None when nothing waits.  It holds at most this many observations and, unless
        one alone is larger, bytes before packing.

        Raises:
            LeaseOut: the last one is still on its way.
            SpoolFull: the disk has no room to seal it.
        """
        with self._lock:
            if self._leased is not None:
                raise LeaseOut
            self._leased = self._sealed() or self._seal(limit_observations, limit_bytes)
            return self._leased

    def commit(self) -> None:
        """The collector has the leased batch on disk: it may go.

        Raises:
            SpoolFull: the disk is full; the batch stays and will be sent once more.
        """
        with self._lock:
            sealed = self._take_lease()
            previous = digest(sealed.body)
            with self._transaction():
                self._forget_sealed(sealed)
                self._db.execute("UPDATE chain SET previous = ?", (previous,))
                self._db.execute("UPDATE owner SET anew = 0")
            self._watermark = msgspec.structs.replace(self._watermark, previous=previous)
            with suppress(OSError):  # a copy for the day the database is lost; the next will do
                write_watermark(self._watermark_file, self._watermark)

    def give_back(self) -> None:
        """The leased batch did not arrive; `lease` will hand it out again."""
        with self._lock:
            self._take_lease()

    def quarantine(self, reason: str) -> None:
        """The collector will never take the leased batch: it is kept apart, and a gap
        with the reason goes in its place.

        Raises:
            SpoolFull: the disk is full; the batch stays leased no more, but stays.
        """
        with self._lock:
            sealed = self._take_lease()
            self._reserve(self._next + 1)
            with self._transaction():
                self._db.execute(
                    "INSERT INTO quarantined SELECT first, last, count, ?, body, signature"
                    " FROM sealed",
                    (reason,),
                )
                self._forget_sealed(sealed)
                self._bytes += len(sealed.body) + ROW_OVERHEAD
                self._quarantined += sealed.count
                gap = SensorGap(
                    sensor=EVERY_SENSOR,
                    cause="failed",
                    from_us=sealed.from_us,
                    to_us=sealed.to_us,
                    lost=sealed.count,
                    detail=reason,
                )
                self._report(gap)

    def fill(self) -> SpoolFill:
        with self._lock:
            return SpoolFill(
                waiting=self._waiting,
                bytes=self._bytes,
                limit=self.limit_bytes,
                dropped=self._dropped,
                quarantined=self._quarantined,
            )

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _measure(self) -> None:
        """Counts what is there; afterwards the counts are kept in step."""
        rows = "SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM observation"
        waiting, row_bytes = self._db.execute(rows).fetchone()
        apart = "SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0), COALESCE(SUM(count), 0) FROM "
        batches, batch_bytes, sealed = self._db.execute(apart + "sealed").fetchone()
        kept, kept_bytes, quarantined = self._db.execute(apart + "quarantined").fetchone()
        self._next, self._dropped = self._db.execute("SELECT next, dropped FROM chain").fetchone()
        self._waiting: int = waiting + sealed
        self._quarantined: int = quarantined
        self._bytes: int = (
            row_bytes + batch_bytes + kept_bytes + ROW_OVERHEAD * (waiting + batches + kept)
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, on disk at the end; a full disk is SpoolFull."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("UPDATE chain SET next = ?, dropped = ?", (self._next, self._dropped))
            self._db.execute("COMMIT")
        except BaseException as fault:
            self._undo()
            if _is_full_disk(fault):
                self._reuse_log()
                raise SpoolFull(str(fault)) from fault
            raise

    def _undo(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._measure()

    def _reuse_log(self) -> None:
        """Lets the next write begin at the front of the write-ahead log, in space that is
        ours already; it says nothing when that does not work either.
        """
        with suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA wal_checkpoint(RESTART)")

    def _reserve(self, upto: int) -> None:
        """Promises on disk that sequences below `upto` may be in use."""
        if upto > self._watermark.reserved:
            promised = msgspec.structs.replace(self._watermark, reserved=upto + RESERVE)
            try:
                write_watermark(self._watermark_file, promised)
            except OSError as fault:
                raise SpoolFull(str(fault)) from fault
            self._watermark = promised

    def _insert(self, records: Sequence[Record]) -> None:
        rows = []
        for sequence, record in enumerate(records, self._next):
            observation = Observation(
                sequence=sequence,
                at_us=record.moment.at_us,
                boot=self._boot,
                monotonic_us=record.moment.monotonic_us,
                sensor=record.sensor,
                fact=record.fact,
            )
            row = encode_row(observation)
            rows.append((row.sequence, int(record.importance), row.at_us, row.body))
            self._bytes += len(row.body) + ROW_OVERHEAD
        self._db.executemany("INSERT INTO observation VALUES (?, ?, ?, ?)", rows)
        self._next += len(rows)
        self._waiting += len(rows)

    def _drop_beyond_limit(self) -> None:
        """Quarantined batches go first (their loss was told already), then the least
        important observations, oldest first; never the sealed batch.
        """
        if self._bytes <= self.limit_bytes:
            return
        self._drop_quarantined()
        excess = self._bytes - int(self.limit_bytes * KEPT_AFTER_DROPPING)
        victims = least_important(self._db, excess)
        if victims:
            self._drop(victims, "the spool reached its limit")

    def _drop_quarantined(self) -> None:
        query = "SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM quarantined"
        batches, freed = self._db.execute(query).fetchone()
        self._db.execute("DELETE FROM quarantined")
        self._bytes -= freed + ROW_OVERHEAD * batches

    def _drop(self, victims: Sequence[Victim], detail: str) -> None:
        """Deletes observations and reports them as one gap."""
        delete = "DELETE FROM observation WHERE sequence = ?"
        self._db.executemany(delete, [(victim.sequence,) for victim in victims])
        self._waiting -= len(victims)
        self._dropped += len(victims)
        self._bytes -= sum(victim.freed for victim in victims)
        gap = SensorGap(
            sensor=EVERY_SENSOR,
            cause="spool_full",
            from_us=min(victim.at_us for victim in victims),
            to_us=max(victim.at_us for victim in victims),
            lost=len(victims),
            detail=detail,
        )
        self._report(gap)

    def _report(self, gap: SensorGap) -> None:
        self._insert(
            [Record(sensor="spool", fact=gap, moment=self._now(), importance=Importance.AGENT)]
        )

    def _sealed(self) -> Sealed | None:
        query = "SELECT first, last, count, from_us, to_us, body, signature FROM sealed"
        row = self._db.execute(query).fetchone()
        return row and Sealed(**dict(zip(Sealed.__struct_fields__, row, strict=True)))

    def _seal(self, limit_observations: int, limit_bytes: int) -> Sealed | None:
        """Takes the oldest observations out of their table and keeps them as a batch."""
        rows = self._oldest(limit_observations, limit_bytes)
        if not rows:
            return None
        query = "SELECT previous, anew FROM chain, owner"
        previous, anew = self._db.execute(query).fetchone()
        sealed = self._sealer.seal(rows, previous, anew=bool(anew))
        with self._transaction():
            # Deleted first: the pages that this frees hold the batch when the disk is full.
            upto = "DELETE FROM observation WHERE sequence <= ?"
            self._db.execute(upto, (sealed.last,))
            self._db.execute(
                "INSERT INTO sealed VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
                msgspec.structs.astuple(sealed),
            )
            self._bytes += len(sealed.body) + ROW_OVERHEAD
            self._bytes -= sum(len(row.body) + ROW_OVERHEAD for row in rows)
        return sealed

    def _oldest(self, limit_observations: int, limit_bytes: int) -> Sequence[Row]:
        query = "SELECT sequence, at_us, body FROM observation ORDER BY sequence LIMIT ?"
        rows: list[Row] = []
        for found in self._db.execute(query, (limit_observations,)):
            row = Row(*found)
            limit_bytes -= len(row.body)
            if rows and limit_bytes < 0:
                break
            rows.append(row)
        return rows

    def _take_lease(self) -> Sealed:
        sealed = self._leased
        assert sealed is not None, "nothing is leased"
        self._leased = None
        return sealed

    def _forget_sealed(self, sealed: Sealed) -> None:
        self._db.execute("DELETE FROM sealed")
        self._waiting -= sealed.count
        self._bytes -= len(sealed.body) + ROW_OVERHEAD


def _is_full_disk(fault: BaseException) -> bool:
    return isinstance(fault, sqlite3.OperationalError) and fault.sqlite_errorname.startswith(
        ("SQLITE_FULL", "SQLITE_IOERR")
    )
