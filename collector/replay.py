"""What another policy would have made of the past: the journal judged again, in a store of its own.

The same days are judged twice, by the policy in force and by the candidate, so that nothing but
the policy differs.  What is judged is what was reported: an agent under the candidate might have
looked elsewhere, and the collector's own words (an endpoint is silent) were spoken when the policy
of that day asked for them.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import msgspec
from sqlalchemy import Engine, delete, select

from checks.check import Check
from checks.wire import encode
from collector.cases import Case, CaseKey
from collector.changes import LocalChanges
from collector.clocks import microseconds_in
from collector.compared import Comparison, Regraded
from collector.entries import EntryKind, PolicyApplied
from collector.judge import Judge
from collector.judging.memory import case_from
from collector.judging.reading import Unreadable, read_body
from collector.judging.receiptbook import IsSigned
from collector.ports import Entry
from collector.queries.overview import endpoint_names
from collector.store import schema
from collector.store.engine import open_store

WARM_UP = timedelta(days=1)
"""Judged before the days that are compared, so that states of endpoints are known at their begin."""
_LEFT_OUT = frozenset((EntryKind.MAILED, EntryKind.DIGEST, EntryKind.PROPOSAL))
_READ = 256
_STEPS_BETWEEN = 20


class ReplayStopped(Exception):
    """Somebody wanted no more of it."""


class Record(Protocol):
    """The journal, as far as it is read."""

    def after(self, entry: int, limit: int) -> Sequence[Entry]:
        """The next entries in order."""


class _Past:
    """Fits Journal for a judge: what came since `from_us`, and before it all that is no agent's
    batch; every policy that was applied says `text`.
    """

    def __init__(self, record: Record, text: str, from_us: int, until_us: int) -> None:
        self._record = record
        self._text = text
        self._from_us = from_us
        self._until_us = until_us
        self.batches: dict[int, int] = {}

    def append(self, kind: EntryKind, body: bytes, *, agent: str = "") -> int:
        raise TypeError(f"the past takes nothing in: {kind}, {len(body)} octets of {agent}")

    def append_all(self, kind: EntryKind, bodies: Sequence[bytes]) -> Sequence[int]:
        return [self.append(kind, body) for body in bodies]

    def wait_beyond(self, _entry: int, _timeout: float) -> bool:
        return False

    def after(self, entry: int, limit: int) -> Sequence[Entry]:
        kept: list[Entry] = []
        while not kept and (read := self._record.after(entry, max(limit, _READ))):
            entry = read[-1].id
            kept = [self._told(one) for one in read if self._counts(one)]
        return kept

    def _counts(self, entry: Entry) -> bool:
        if entry.received_us >= self._until_us or entry.kind in _LEFT_OUT:
            return False
        return entry.kind != EntryKind.BATCH or entry.received_us >= self._from_us

    def _told(self, entry: Entry) -> Entry:
        if entry.kind == EntryKind.BATCH:
            self.batches[entry.id] = entry.last - entry.first + 1
            return entry
        if entry.kind != EntryKind.POLICY:
            return entry
        try:
            applied = read_body(entry)
        except Unreadable:
            return entry
        assert isinstance(applied, PolicyApplied)
        return msgspec.structs.replace(
            entry, body=encode(msgspec.structs.replace(applied, text=self._text))
        )


class Replay:
    """`scratch` is a folder with room for the cases of the span; what is made there goes again."""

    def __init__(
        self,
        record: Record,
        *,
        checks: Mapping[str, Check],
        is_signed: IsSigned,
        scratch: Path,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._record = record
        self._checks = checks
        self._is_signed = is_signed
        self._scratch = scratch
        self._stopped = stopped

    def compare(
        self, running: str, candidate: str, *, version: int, from_us: int, until_us: int
    ) -> Comparison:
        """Both policies as text; `version` is that of the running one; the span in microseconds
        since the epoch.

        Raises:
            ReplayStopped.
            OperationalError: there is no room in the scratch folder.
        """
        before, _, _ = self._judged(running, from_us, until_us)
        after, observations, names = self._judged(candidate, from_us, until_us)
        both = [key for key in after if key in before]
        return Comparison(
            from_us=from_us,
            until_us=until_us,
            observations=observations,
            version=version,
            running=len(before),
            candidate=len(after),
            opened=_gravest_first(after[key] for key in after if key not in before),
            spared=_gravest_first(before[key] for key in before if key not in after),
            regraded=tuple(
                Regraded(case=after[key], before=before[key].severity)
                for key in both
                if after[key].severity is not before[key].severity
            ),
            names=names,
        )

    def _judged(
        self, text: str, from_us: int, until_us: int
    ) -> tuple[dict[CaseKey, Case], int, Mapping[str, str]]:
        """The gravest case of each key that was opened in the span, observations, names."""
        past = _Past(self._record, text, from_us - microseconds_in(WARM_UP), until_us)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="replay-") as folder:
            store = open_store(Path(folder))
            try:
                schema.store.create_all(store)
                self._judge_all(past, store)
                cases = _opened_in(store, from_us, until_us)
                return cases, sum(past.batches.values()), endpoint_names(store)
            finally:
                store.dispose()

    def _judge_all(self, past: _Past, store: Engine) -> None:
        judge = Judge(
            journal=past,
            store=store,
            changes=LocalChanges(),
            checks=self._checks,
            is_signed=self._is_signed,
        )
        steps = 0
        while judge.step():
            steps += 1
            if self._stopped():
                raise ReplayStopped
            if steps % _STEPS_BETWEEN == 0:  # nobody looks them up here, and they fill the disk
                with store.begin() as connection:
                    connection.execute(delete(schema.observations))


def _opened_in(store: Engine, from_us: int, until_us: int) -> dict[CaseKey, Case]:
    opened = schema.cases.c.opened_us
    wanted = select(schema.cases).where(opened >= from_us, opened < until_us)
    found: dict[CaseKey, Case] = {}
    with store.connect() as connection:
        for case in map(case_from, connection.execute(wanted)):
            known = found.get(case.key)
            if known is None or case.severity.rank < known.severity.rank:
                found[case.key] = case
    return found


def _gravest_first(cases: Iterable[Case]) -> tuple[Case, ...]:
    return tuple(sorted(cases, key=lambda case: (case.severity.rank, case.opened_us, case.id)))
