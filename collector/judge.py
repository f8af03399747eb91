"""Follows the journal: rows for searching, findings, cases, alerts and the cursor change
in one transaction, so that a fact counts once whatever is killed.
"""

import logging
from collections import deque
from collections.abc import Mapping
from threading import Event

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

from checks.check import Check
from checks.evaluate import Evaluator
from checks.facts import Fact
from checks.facts.network import NetworkState
from collector.entries import EntryKind, Mailed
from collector.judging.memory import IN_FORCE, Memory, cursor_of
from collector.judging.reading import Unreadable, read_body
from collector.judging.receiptbook import IsSigned
from collector.judging.statements import Statements
from collector.judging.step import Step, Stored
from collector.ports import Change, Changes, Entry, Journal
from collector.queries.receipts import StoredReceipts
from collector.queries.register import StoredMedia
from collector.store import schema

log = logging.getLogger(__name__)

OBSERVATIONS_A_STEP = 2_000
"""About a quarter of a second's work: how long a person's act may have to wait."""
ENTRIES_A_READ = 64
IDLE_S = 1.0
RETRY_S = 1.0

DERIVED = (
    schema.cursor,
    schema.policy_in_force,
    schema.observations,
    schema.held,
    schema.latest,
    schema.endpoints,
    schema.hosts,
    schema.coverage_holes,
    schema.cases,
    schema.daily_counts,
    schema.days_counted_in,
    schema.findings,
    schema.timeline,
    schema.unknowns,
    schema.digests,
    schema.rejections,
    schema.media_register,
    schema.media_uses,
    schema.media_told,
    schema.media_acts,
    schema.media_seen,
    schema.media_places,
    schema.media_infected,
    schema.receipts,
    schema.receipt_revocations,
    schema.duty_shifts,
    schema.duty_notes,
    schema.alerts,
)
"""What a replay of the journal makes again."""


class JudgedElsewhere(Exception):
    """Another process moved the cursor; this one must look again before it goes on."""


def _nobody_is_enrolled(_agent: str, _message: bytes, _signature: bytes) -> bool | None:
    return None


class Judge:
    """The one writer of everything derived."""

    def __init__(
        self,
        *,
        journal: Journal,
        store: Engine,
        changes: Changes,
        checks: Mapping[str, Check],
        is_signed: IsSigned = _nobody_is_enrolled,
    ) -> None:
        """`is_signed` tells whether an agent signed something; without it no receipt counts."""
        self._journal = journal
        self._store = store
        self._changes = changes
        self._evaluator = Evaluator(checks)
        needed = frozenset[type[Fact]](
            kind for c in checks.values() for kind in (*c.needs, *c.uses)
        )
        self._needed = needed | {NetworkState}  # tells which links of a witness lead inside
        self._statements = Statements(store.dialect)
        self._memory = Memory(self._needed)
        self._media = Stored(
            media=StoredMedia(store), receipts=StoredReceipts(store), is_signed=is_signed
        )
        self._loaded = False
        self._ahead: deque[Entry] = deque()

    def step(self) -> bool:
        """Judges the next entries; False when there was none to judge.

        Raises:
            OperationalError: the store cannot be written now; nothing was changed.
            JudgedElsewhere: the store was moved on by another judge; nothing was changed.
        """
        entries = self._next_entries()
        if not entries:
            return self._was_emptied()
        try:
            self._judge(entries)
        except (OperationalError, InterfaceError, JudgedElsewhere):
            self._forget()
            raise
        except Exception as poison:  # noqa: BLE001 - an entry that the store cannot bear is a fault, not an end
            self._forget()
            self._judge_singly(entries, poison)
        return True

    def run(self, stop: Event) -> None:
        """Follows the journal until `stop` is set."""
        while not stop.is_set():
            try:
                if not self.step():
                    self._journal.wait_beyond(self._memory.cursor, IDLE_S)
            except (OperationalError, InterfaceError, JudgedElsewhere) as failure:
                log.warning("judging is held up", extra={"why": str(failure)})
                stop.wait(RETRY_S)

    # -------------------------------------------------------------------------- steps

    def _next_entries(self) -> list[Entry]:
        """As many as make a step, and one at least, however large."""
        if not self._loaded:
            with self._store.connect() as connection:
                self._memory.load(connection)
            self._loaded = True
        if not self._ahead:
            self._ahead.extend(self._journal.after(self._memory.cursor, ENTRIES_A_READ))
        taken: list[Entry] = []
        room = OBSERVATIONS_A_STEP
        while self._ahead and (not taken or room >= _size(self._ahead[0])):
            taken.append(self._ahead.popleft())
            room -= _size(taken[-1])
        return taken

    def _judge(self, entries: list[Entry], *, fault: str = "") -> None:
        """Judges these in one transaction, or only records that they are at fault."""
        before = self._memory.cursor
        step = Step(self._memory, self._evaluator, self._needed, self._media)
        for entry in entries:
            if fault:
                step.fault(entry, fault)
            else:
                step.take(entry)
        with self._store.begin() as connection:
            _move_cursor(connection, before, entries[-1].id)
            step.tally.write(connection, self._statements)
            self._count_days(connection, step)
        self._memory.cursor = entries[-1].id
        tally = step.tally
        self._changes.publish(
            Change(
                cases=(*tally.cases, *sorted(tally.touched - tally.cases.keys())),
                endpoints=tuple(tally.endpoints),
                entry=entries[-1].id,
            )
        )

    def _count_days(self, connection: Connection, step: Step) -> None:
        """The counts of the days, in the transaction that changed their cases."""
        memory, timezone = self._memory, self._memory.policy.hospital.timezone
        step.tally.days.write(
            connection, self._statements, counted_in=memory.days_counted_in, timezone=timezone
        )
        memory.days_counted_in = timezone

    def _judge_singly(self, entries: list[Entry], poison: Exception) -> None:
        """One transaction each, so that the one which fails is alone in failing."""
        log.error("a step failed; its entries are judged one by one", extra={"why": repr(poison)})
        for entry in entries:
            with self._store.connect() as connection:
                self._memory.load(connection)
            try:
                self._judge([entry])
            except (OperationalError, InterfaceError, JudgedElsewhere):
                self._forget()
                raise
            except Exception as failure:  # noqa: BLE001 - recorded as the verdict on this entry
                with self._store.connect() as connection:
                    self._memory.load(connection)
                self._judge([entry], fault=f"{type(failure).__name__}: {failure}"[:500])
        self._loaded = True

    def _was_emptied(self) -> bool:
        """Somebody emptied the store to have it rebuilt: begin anew, also when no agent
        says a word.
        """
        with self._store.connect() as connection:
            emptied = cursor_of(connection) != self._memory.cursor
        if emptied:
            self._forget()
        return emptied

    def _forget(self) -> None:
        self._loaded = False
        self._ahead.clear()

    # ------------------------------------------------------------------------ rebuild

    def rebuild(self) -> None:
        """As `rebuild`, for a judge that is running in this process."""
        rebuild(self._store, self._journal)
        self._forget()


def rebuild(store: Engine, journal: Journal) -> None:
    """Empties everything derived; the next steps replay the journal from its beginning.

    Alerts that the journal knows to be mailed are kept as sent beforehand, so that no
    replay sends them again.  What waits for a channel is kept: no replay decides it again.
    """
    mailed = _mailed(journal)
    alerts = schema.alerts
    with store.begin() as connection:
        waiting = connection.execute(
            select(alerts).where(alerts.c.channel != "", alerts.c.state.in_(("waiting", "claimed")))
        ).mappings()
        left = {row["key"] for row in mailed}
        kept = [dict(row) for row in waiting if row["key"] not in left]
        for table in DERIVED:
            connection.execute(delete(table))
        for rows in (mailed, kept):
            if rows:
                connection.execute(insert(alerts), rows)


def _mailed(journal: Journal) -> list[dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    after = 0
    while entries := journal.after(after, ENTRIES_A_READ):
        for entry in entries:
            mailed = _read_mailed(entry) if entry.kind == EntryKind.MAILED else None
            if mailed is not None:
                found[mailed.key] = _sent_row(mailed, entry.received_us)
        after = entries[-1].id
    return list(found.values())


def _read_mailed(entry: Entry) -> Mailed | None:
    """None for one that cannot be read: the replay will show it as a fault."""
    try:
        body = read_body(entry)
    except Unreadable:
        return None
    return body if isinstance(body, Mailed) else None


def _sent_row(mailed: Mailed, at_us: int) -> dict[str, object]:
    return {
        "key": mailed.key,
        "case": mailed.case,
        "occasion": mailed.occasion,
        "created_us": at_us,
        "recipients": list(mailed.recipients),
        "delivered": list(mailed.recipients),
        "state": "sent" if mailed.recipients else "refused",
        "next_try_us": 0,
        "sent_us": at_us,
        "error": mailed.error,
        "channel": mailed.key.partition("@")[2],
    }


def _move_cursor(connection: Connection, before: int, after: int) -> None:
    """First in the transaction: whoever comes second finds the cursor moved.

    Raises:
        JudgedElsewhere: it is not where this judge left it.
    """
    cursor = schema.cursor
    moved = connection.execute(
        update(cursor)
        .where(cursor.c.name == IN_FORCE, cursor.c.entry == before)
        .values(entry=after)
    )
    if moved.rowcount == 1:
        return
    if before:
        raise JudgedElsewhere(f"the cursor is not at {before} any more")
    connection.execute(insert(cursor).values(name=IN_FORCE, entry=after))


def _size(entry: Entry) -> int:
    if entry.kind in (EntryKind.MEDIA, EntryKind.RECEIPTS):
        return OBSERVATIONS_A_STEP  # a step of its own: what follows looks the register up
    return max(1, entry.last - entry.first + 1) if entry.kind == EntryKind.BATCH else 1
