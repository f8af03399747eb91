"""Moves infected files away from media, where the policy wants it, and tells what became of them.

Also tells when a command opened the quarantine.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from agent.durable import remove
from agent.media.quarantine import Find, Finds, is_wanted, told, why_left
from agent.media.telling import Names
from agent.media.watched import ScanJob
from agent.quarantine_acts import quarantine_acts
from agent.system.doorbell import Doorbell
from agent.system.inotify import FolderWatch
from agent.system.kernel import read_at_idle_priority
from agent.system.quarantine_move import moved_from
from agent.system.quarantine_store import QuarantineStore
from checks.facts import Fact
from checks.facts.health import SensorGap
from checks.facts.quarantine import QuarantineEnd
from checks.policy import PolicyDocument

_STOPPING_SECONDS = 2.0
_SURELY_KEPT_US = 60 * 1_000_000
"""Microseconds after which what was told stands in the spool, on any disk that is not full."""


class _Moved(msgspec.Struct, frozen=True):
    find: Find
    ends: Sequence[QuarantineEnd]


class QuarantineSensor:
    """Fits Sensor.  One find after another, on a thread that lives as long as there are any.
    `state` is the agent's folder, `wall_us` gives microseconds since the epoch.
    """

    name = "quarantine"
    heals_every = timedelta(minutes=5)

    def __init__(
        self,
        finds: Finds,
        store: QuarantineStore,
        *,
        state: Path,
        salt: bytes,
        wall_us: Callable[[], int],
    ) -> None:
        self._finds = finds
        self._store = store
        self._acts = quarantine_acts(state)
        self._names = Names(salt)
        self._wall_us = wall_us
        self._doorbell: Doorbell | None = None
        self._watch: FolderWatch | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._store.tidy()
        self._moved: queue.SimpleQueue[_Moved] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._told: dict[Path, int] = {}
        self._doorbell, self._watch = Doorbell(), FolderWatch()
        self._watch.watch(self._acts.open())
        self._finds.ring = self._doorbell.ring
        self._follow(document)
        return (self._doorbell.fileno(), self._watch.fileno())

    def wake(self) -> Iterable[Fact]:
        assert self._doorbell is not None, "woken before its start"
        assert self._watch is not None, "woken before its start"
        self._doorbell.answer()
        while not self._moved.empty():
            news = self._moved.get()
            self._thread = None
            self._finds.done(news.find)
            yield told(news.find, news.ends, self._names)
        yield from self._begin()
        if self._watch.drain():
            yield from self._opened()

    def heal(self) -> Iterable[Fact]:
        yield from self.wake()
        yield from self._opened()

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._follow(document)
        return ()

    def stop(self) -> None:
        if self._doorbell is None or self._watch is None:
            return
        self._finds.stop()
        self._watch.close()
        if self._thread is not None:
            self._thread.join(_STOPPING_SECONDS)
        if self._thread is None or not self._thread.is_alive():
            self._doorbell.close()  # else the thread still rings
        self._doorbell = self._watch = None

    def _follow(self, document: PolicyDocument) -> None:
        self._document = document
        self._names.travel = document.policy.thresholds.file_names_travel
        self._finds.wanted = is_wanted(document)

    def _begin(self) -> Iterator[Fact]:
        """The next find; those of which nothing is moved are told at once."""
        while self._thread is None and (find := self._finds.take()) is not None:
            why = why_left(find, self._document)
            if why is None:
                self._start(find)
            else:
                self._finds.done(find)
                yield told(find, [why] * len(find.infected), self._names)

    def _start(self, find: Find) -> None:
        assert self._doorbell is not None, "moves before its start"
        assert find.job is not None, "moves what is held"
        self._thread = threading.Thread(
            target=self._move,
            args=(find, find.job, self._doorbell.ring),
            name="quarantine",
            daemon=True,
        )
        self._thread.start()

    def _move(self, find: Find, job: ScanJob, ring: Callable[[], None]) -> None:
        read_at_idle_priority()
        ends = moved_from(find, job, self._store, self._wall_us())
        self._moved.put(_Moved(find, ends))
        ring()

    def _opened(self) -> Iterator[Fact]:
        """Each act once; its word on disk goes when it was surely kept elsewhere."""
        now_us = self._wall_us()
        for path in [path for path, at in self._told.items() if now_us - at > _SURELY_KEPT_US]:
            remove(path)
            del self._told[path]
        for path, act in self._acts.waiting(self._told):
            self._told[path] = now_us
            yield act or self._unreadable(path)

    def _unreadable(self, path: Path) -> SensorGap:
        now_us = self._wall_us()
        return SensorGap(
            sensor=self.name,
            cause="failed",
            from_us=now_us,
            to_us=now_us,
            lost=1,
            detail=f"what a command did with the quarantine cannot be read: {path.name}",
        )
