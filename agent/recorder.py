"""The way of a fact from a sensor to the spool: dated, weighed, put."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from agent.records import EVERY_SENSOR, Importance, Moment, Record, importance_of
from agent.spool import SpoolFull
from checks.facts import Fact
from checks.facts.health import SensorGap

MEMORY_LIMIT = 5_000
"""Facts kept in memory while the disk is full."""
RETRY_AFTER = 1.0
"""Seconds between two attempts at a full disk."""


class Store(Protocol):
    """What the recorder asks of the spool."""

    def put(self, records: Sequence[Record]) -> range: ...


class Judge(Protocol):
    def __call__(self, fact: Fact, at_us: int) -> bool:
        """Whether some check says fail, with more than a notice; acts on what it says."""


class Recorder:
    """Collects what one wake of the loop brought and puts it at once, in one commit."""

    def __init__(
        self,
        store: Store,
        *,
        judge: Judge,
        now: Callable[[], Moment],
        monotonic: Callable[[], float],
        on_put: Callable[[], None],
    ) -> None:
        self._store = store
        self._judge = judge
        self._now = now
        self._monotonic = monotonic
        self._on_put = on_put
        self._pending: list[Record] = []
        self._lost: list[Moment] = []
        self._retry_at: float | None = None
        self.trouble = ""

    def record(self, sensor: str, facts: Iterable[Fact]) -> None:
        """Takes facts in the order in which they were seen; `flush` puts them."""
        for fact in facts:
            moment = self._now()
            violated = self._judge(fact, moment.at_us)
            importance = importance_of(fact, violated=violated)
            self._pending.append(
                Record(sensor=sensor, fact=fact, moment=moment, importance=importance)
            )
        self._bound()

    def flush(self) -> None:
        """Puts what is pending; on a full disk it stays, within the memory's bound, and
        what that bound drops is counted and told.
        """
        waits = self._retry_at is not None and self._monotonic() < self._retry_at
        if waits or not (self._pending or self._lost):
            return
        told = [self._loss()] if self._lost else []
        try:
            self._store.put([*told, *self._pending])
        except SpoolFull as full:
            self.trouble = str(full)
            self._retry_at = self._monotonic() + RETRY_AFTER
            return
        self.trouble = ""
        self._retry_at = None
        self._lost.clear()
        self._pending.clear()
        self._on_put()

    @property
    def retry_at(self) -> float | None:
        """time.monotonic() at which `flush` is wanted again, None when nothing waits."""
        return self._retry_at

    def _bound(self) -> None:
        """Drops the least important first, the oldest of them first."""
        excess = len(self._pending) - MEMORY_LIMIT
        if excess <= 0:
            return
        order = sorted(
            range(len(self._pending)), key=lambda index: (self._pending[index].importance, index)
        )
        victims = frozenset(order[:excess])
        self._lost += [self._pending[index].moment for index in sorted(victims)]
        self._pending = [r for index, r in enumerate(self._pending) if index not in victims]

    def _loss(self) -> Record:
        gap = SensorGap(
            sensor=EVERY_SENSOR,
            cause="spool_full",
            from_us=min(moment.at_us for moment in self._lost),
            to_us=max(moment.at_us for moment in self._lost),
            lost=len(self._lost),
            detail="the disk was full and so was the memory kept for that",
        )
        return Record(sensor="spool", fact=gap, moment=self._now(), importance=Importance.AGENT)
