"""The one thread that writes the journal: all that waits is committed at once.

What was handed in is answered after the commit is on disk.  Batches are decided here,
under the file's write lock, so that two collectors' answers can never disagree.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, bindparam, func, insert, select, tuple_, update
from sqlalchemy.exc import SQLAlchemyError

from collector.entries import EntryKind
from collector.ingest.accept import STORED, UNTRUSTED, Decision, Header, Watermark, accept, advanced
from collector.ports import Clock
from collector.store import schema
from collector.store.engine import writing

log = logging.getLogger(__name__)

GROUP_LIMIT = 256
"""Batches in one commit: bounds how long the first of them waits for the last."""

Result = TypeVar("Result")


class JournalBusy(Exception):
    """More is waiting than may wait: come again later."""


class JournalClosed(Exception):
    """The writer was stopped; nothing was written."""


class JournalFailed(Exception):
    """The disk or the database refused; nothing was written."""


class SignedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch whose signature and content were checked."""

    agent: str
    machine: str
    header: Header
    signature: bytes
    body: bytes


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch; `last` and `machine` are the record's before it."""

    decision: Decision
    last: int
    machine: str


class JournalPage:
    """The journal, open for writing, inside one transaction."""

    def __init__(self, connection: Connection, now_us: int) -> None:
        self.connection = connection
        self.now_us = now_us
        newest = connection.execute(select(func.max(schema.entries.c.id))).scalar()
        self.newest: int = newest or 0

    def add(self, kind: EntryKind, body: bytes, *, agent: str = "") -> int:
        """The new entry's id."""
        row = self.row(kind, body, agent=agent)
        self.connection.execute(insert(schema.entries).values(row))
        return self.newest

    def row(self, kind: EntryKind, body: bytes, *, agent: str) -> dict[str, object]:
        """Ids are given without a hole: one that is missing was removed by somebody."""
        self.newest += 1
        return {
            "id": self.newest,
            "kind": kind.value,
            "agent": agent,
            "first": 0,
            "last": 0,
            "received_us": self.now_us,
            "digest": "",
            "signature": b"",
            "body": body,
        }


class _Job(Generic[Result]):
    """Something other than a batch that is to be written."""

    def __init__(self, act: Callable[[JournalPage], Result]) -> None:
        self._act = act
        self.future: Future[Result] = Future()
        self._outcome: Result | None = None
        self._refused: Exception | None = None

    def do(self, page: JournalPage) -> None:
        """In a savepoint: a job that fails leaves nothing and fails alone."""
        newest = page.newest
        try:
            with page.connection.begin_nested():
                self._outcome = self._act(page)
        except SQLAlchemyError:
            raise
        except Exception as refused:  # noqa: BLE001 - handed to whoever asked
            page.newest = newest
            self._refused = refused

    def answer(self) -> None:
        if self._refused is not None:
            self.future.set_exception(self._refused)
        else:
            self.future.set_result(self._outcome)  # type: ignore[arg-type] # set by `do`


class _Sender(msgspec.Struct, frozen=True, kw_only=True):
    """How far an agent's record goes, on which machine, and whether it may go on."""

    mark: Watermark
    machine: str
    trusted: bool = True


class _Waiting(msgspec.Struct, frozen=True):
    batch: SignedBatch
    future: "Future[Decided]"


class JournalWriter:
    """`on_written(newest)` is called after each commit, from the writer's thread."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        queue_limit: int,
        on_written: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._queue_limit = queue_limit
        self._on_written = on_written
        self._ready = threading.Condition()
        self._batches: deque[_Waiting] = deque()
        self._jobs: deque[_Job[object]] = deque()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Writes what is waiting, then ends."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        return len(self._batches)

    def submit_batch(self, batch: SignedBatch) -> "Future[Decided]":
        """Raises JournalBusy, JournalClosed; the future raises JournalFailed."""
        waiting = _Waiting(batch, Future())
        with self._ready:
            self._check_open()
            if len(self._batches) >= self._queue_limit:
                raise JournalBusy(f"{self._queue_limit} batches are waiting to be written")
            self._batches.append(waiting)
            self._ready.notify()
        return waiting.future

    def submit(self, act: Callable[[JournalPage], Result]) -> "Future[Result]":
        """Runs `act` in a transaction of the writer; whatever it raises undoes it alone.

        Raises:
            JournalClosed.
        """
        job = _Job(act)
        with self._ready:
            self._check_open()
            self._jobs.append(job)  # type: ignore[arg-type] # a job answers its own future only
            self._ready.notify()
        return job.future

    def _check_open(self) -> None:
        if self._closed:
            raise JournalClosed("the collector is stopping")

    def _run(self) -> None:
        while True:
            with self._ready:
                while not (self._batches or self._jobs or self._closed):
                    self._ready.wait()
                jobs = list(self._jobs)
                self._jobs.clear()
                count = min(len(self._batches), GROUP_LIMIT)
                batches = [self._batches.popleft() for _ in range(count)]
            if not jobs and not batches:
                return
            self._write(jobs, batches)

    def _write(self, jobs: Sequence[_Job[object]], batches: Sequence[_Waiting]) -> None:
        futures: list[Future[object]] = [job.future for job in jobs]
        futures += [one.future for one in batches]  # type: ignore[misc] # only failed together
        try:
            with writing(self._engine) as connection:
                page = JournalPage(connection, self._clock())
                for job in jobs:
                    job.do(page)
                decided = write_batches(page, [one.batch for one in batches])
        except Exception as failure:  # noqa: BLE001 - the answer to all who wait; the writer goes on
            log.error("journal not written", extra={"why": str(failure)})  # noqa: TRY400 - said by the failure itself
            for future in futures:
                future.set_exception(JournalFailed(str(failure)))
            return
        self._on_written(page.newest)
        for job in jobs:
            job.answer()
        for one, outcome in zip(batches, decided, strict=True):
            one.future.set_result(outcome)


def write_batches(page: JournalPage, batches: Sequence[SignedBatch]) -> list[Decided]:
    """Decides them in order, stores those that continue a record, moves watermarks."""
    if not batches:
        return []
    marks = _senders(page.connection, batches)
    known = _stored(page.connection, batches, marks)
    decided: list[Decided] = []
    rows: list[dict[str, object]] = []
    for batch in batches:
        sender = marks[batch.agent]
        mark, machine = sender.mark, sender.machine
        header = batch.header
        place = (batch.agent, header.first, header.last)
        decision = UNTRUSTED
        if sender.trusted:
            decision = accept(
                header,
                mark,
                stored=known.get(place, ""),
                same_machine=machine == batch.machine,
            )
        decided.append(Decided(decision=decision, last=mark.last, machine=machine))
        if decision.outcome in STORED:
            rows.append(_batch_row(page, batch))
            known[place] = header.digest
            marks[batch.agent] = _Sender(
                mark=advanced(mark, header, decision.outcome), machine=batch.machine
            )
    if rows:
        page.connection.execute(insert(schema.entries), rows)
        _keep_watermarks(page, marks, {str(row["agent"]) for row in rows})
    return decided


def _senders(connection: Connection, batches: Sequence[SignedBatch]) -> dict[str, _Sender]:
    agents = schema.agents.c
    wanted = {batch.agent for batch in batches}
    rows = connection.execute(
        select(
            agents.agent, agents.last, agents.last_digest, agents.machine, agents.revoked_us
        ).where(agents.agent.in_(wanted))
    )
    return {
        agent: _Sender(
            mark=Watermark(last=last, digest=mark), machine=machine, trusted=not revoked_us
        )
        for agent, last, mark, machine, revoked_us in rows
    }


def _stored(
    connection: Connection,
    batches: Sequence[SignedBatch],
    marks: dict[str, _Sender],
) -> dict[tuple[str, int, int], str]:
    """Digests of what we hold at the places of those that do not simply continue."""
    places = {
        (batch.agent, batch.header.first)
        for batch in batches
        if batch.header.first <= marks[batch.agent].mark.last
    }
    if not places:
        return {}
    entries = schema.entries
    rows = connection.execute(
        select(entries.c.agent, entries.c.first, entries.c.last, entries.c.digest).where(
            tuple_(entries.c.agent, entries.c.first).in_(places)
        )
    )
    return {(agent, first, last): known for agent, first, last, known in rows}


def _batch_row(page: JournalPage, batch: SignedBatch) -> dict[str, object]:
    return page.row(EntryKind.BATCH, batch.body, agent=batch.agent) | {
        "first": batch.header.first,
        "last": batch.header.last,
        "digest": batch.header.digest,
        "signature": batch.signature,
    }


_MOVE = (
    update(schema.agents)
    .where(schema.agents.c.agent == bindparam("whose"))
    .values(
        last=bindparam("to_last"),
        last_digest=bindparam("to_digest"),
        last_received_us=bindparam("at"),
        machine=bindparam("on_machine"),
    )
)


def _keep_watermarks(page: JournalPage, marks: dict[str, _Sender], moved: set[str]) -> None:
    page.connection.execute(
        _MOVE,
        [
            {
                "whose": agent,
                "to_last": marks[agent].mark.last,
                "to_digest": marks[agent].mark.digest,
                "at": page.now_us,
                "on_machine": marks[agent].machine,
            }
            for agent in moved
        ],
    )
