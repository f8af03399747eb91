"""Scans on threads of their own; results come back to the loop through a doorbell."""

import contextlib
import errno
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from agent.media.engine import Engine, EngineUnavailable, EngineVersion
from agent.media.progress import UnderWay
from agent.media.receipting import Receipts
from agent.media.receipts import NO_RECEIPTS, Marked, Rules
from agent.media.scan import ScanOutcome
from agent.media.telling import HowScanned
from agent.media.watched import ScanJob
from agent.system.doorbell import Doorbell
from agent.system.examination import Examination, Examined, Said
from agent.system.held_files import HeldFile, held_files
from agent.system.kernel import read_at_idle_priority
from agent.system.mount_roots import open_mount
from agent.system.tree import USUAL_BOUNDS, Bounds
from checks.facts.receipts import ReceiptIssued

AT_ONCE = 2
"""Media scanned in parallel; more only make each other's disks and the engine wait."""

_STOPPING_SECONDS = 2.0
_FORGOTTEN_AFTER = 10.0
"""Seconds after which no descriptor of an ended scan holds an unmounted file system."""


class ScanBegan(msgspec.Struct, frozen=True):
    """`used` bytes lie on the file system."""

    job: ScanJob
    used: int = 0


class FilesHeld(msgspec.Struct, frozen=True):
    """Files that were open already when the file system was marked."""

    job: ScanJob
    files: tuple[HeldFile, ...]


class FileWasRead(msgspec.Struct, frozen=True):
    """A file had been read when the scan came to it: the first of them, `path` below the
    mount.  Nobody knows by whom.
    """

    job: ScanJob
    path: bytes


class ScansWhole(msgspec.Struct, frozen=True):
    """No receipt says anything of this file system."""

    job: ScanJob


class ScanEnded(msgspec.Struct, frozen=True, kw_only=True):
    job: ScanJob
    outcome: ScanOutcome
    scan: HowScanned


class ScanSettled(msgspec.Struct, frozen=True):
    """The last word of a scan: nothing of ours has the file system open any more.  `marked` is
    None where no receipt can come of it; `disturbed` says that one may when those who have files
    open for writing have closed them.
    """

    job: ScanJob
    marked: Marked | None
    disturbed: bool = False


class ReceiptMade(msgspec.Struct, frozen=True):
    fact: ReceiptIssued


class EngineSeen(msgspec.Struct, frozen=True, kw_only=True):
    """`version` is None where no engine answered, for `reason`."""

    version: EngineVersion | None
    reason: str = ""


OfScan = ScanBegan | ScansWhole | FilesHeld | FileWasRead | ScanEnded | ScanSettled
News = OfScan | ReceiptMade | EngineSeen


class _Running(msgspec.Struct):
    examination: Examination
    thread: threading.Thread
    settled: bool = False

    @property
    def goes_on(self) -> bool:
        return self.thread.is_alive() and not self.settled and not self.examination.stopped


class ScanThreads:
    """One thread per medium that is being scanned, at most AT_ONCE of them reading."""

    def __init__(
        self,
        engine: Engine,
        receipts: Receipts | None = None,
        bounds: Bounds = USUAL_BOUNDS,
    ) -> None:
        """Without `receipts` every scan is a full one and nothing comes of it."""
        self._engine = engine
        self._receipts = receipts
        self._bounds = bounds
        self._doorbell = Doorbell()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._running: dict[int, _Running] = {}
        self._threads: list[threading.Thread] = []
        self._probing: threading.Thread | None = None
        self._scanned: dict[int, tuple[str, float]] = {}

    def fileno(self) -> int:
        return self._doorbell.fileno()

    def engine_pid(self) -> int:
        return self._engine.pid()

    @property
    def rules(self) -> Rules:
        return self._receipts.rules if self._receipts else NO_RECEIPTS

    def follow(self, rules: Rules) -> None:
        """What the policy says of receipts from now on."""
        if self._receipts is not None:
            self._receipts.rules = rules

    def begin(self, job: ScanJob) -> None:
        """A scan of the same file system that is still running goes on instead."""
        current = self._running.get(job.number)
        if current is not None and current.goes_on:
            return
        fresh = self._is_fresh(job)
        said = Said(
            read_before=(lambda path: self._post(FileWasRead(job, path))) if fresh else None,
            no_receipt=lambda: self._post(ScansWhole(job)),
        )
        examination = Examination(job, self._engine, self._receipts, self._bounds, said)
        thread = threading.Thread(target=self._scan, args=(examination,), name="scan", daemon=True)
        self._running[job.number] = _Running(examination, thread)
        self._start(thread)

    def stop(self, number: int) -> None:
        """Returns at once; the scan lets go of its files and ends as `gone`."""
        current = self._running.pop(number, None)
        if current is not None:
            current.examination.stop()

    def under_way(self) -> Iterator[UnderWay]:
        """Scans that go on, but for those of what was written here since the last one."""
        for running in list(self._running.values()):
            if running.goes_on and not running.examination.job.again:
                yield running.examination.under_way()

    def gather(self, marked: Marked) -> None:
        """A file system that nobody wrote to since its scan began; with the last one of its
        medium the receipt is made and comes as ReceiptMade, if there can be one.
        """
        parts = self._receipts.assembly.add(marked) if self._receipts else ()
        if not parts:
            return
        self._start(
            threading.Thread(target=self._issue, args=(parts,), name="receipt", daemon=True)
        )

    def forget(self, medium: str) -> None:
        """What was gathered of it: it was written to, or taken out."""
        if self._receipts is not None:
            self._receipts.assembly.forget(medium)

    def probe(self, patience: float = 0.0) -> None:
        """Asks the engine for its version; the answer comes as EngineSeen.  Waits for it
        at most `patience` seconds.
        """
        if self._probing is None or not self._probing.is_alive():
            self._probing = threading.Thread(target=self._probe, name="probe", daemon=True)
            self._probing.start()
        if patience:
            self._probing.join(patience)

    def news(self) -> Iterator[News]:
        """Drains what the threads have to say."""
        self._doorbell.answer()
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._news.get_nowait()

    def close(self) -> None:
        """Stops every scan and waits a moment for the threads."""
        threads = list(self._threads)
        for number in list(self._running):
            self.stop(number)
        if self._probing is not None:
            threads.append(self._probing)
        for thread in threads:
            thread.join(_STOPPING_SECONDS)
        if not any(thread.is_alive() for thread in threads):
            self._doorbell.close()

    def _start(self, thread: threading.Thread) -> None:
        """Remembered until it has ended, also where its scan was stopped: it still rings."""
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _post(self, news: News) -> None:
        self._news.put(news)
        self._doorbell.ring()

    def _probe(self) -> None:
        try:
            seen = EngineSeen(version=self._engine.version())
        except EngineUnavailable as absent:
            seen = EngineSeen(version=None, reason=str(absent))
        self._post(seen)

    def _issue(self, parts: Sequence[Marked]) -> None:
        assert self._receipts is not None, "marks for nobody"
        fact = self._receipts.issue(parts)
        if fact is not None:
            self._post(ReceiptMade(fact))

    def _scan(self, examination: Examination) -> None:
        job = examination.job
        held = tuple(held_files(job.point))
        if held:
            self._post(FilesHeld(job, held))
        with self._turns:
            marked = self._examined(examination)
        self._scanned[job.number] = (job.medium, time.monotonic())
        running = self._running.get(job.number)
        if running is not None and running.examination is examination:
            running.settled = True
        self._post(ScanSettled(job, marked, examination.disturbed))

    def _examined(self, examination: Examination) -> Marked | None:
        """Tells how the scan ended as soon as it has."""
        ended = partial(self._ended, examination.job, time.time_ns() // 1000)
        if examination.stopped:
            ended(_not_scanned("gone"))
            return None
        read_at_idle_priority()
        try:
            folder = open_mount(examination.job)
        except OSError as unable:
            ended(_not_scanned(_why_unopened(unable)))
            return None
        try:
            self._post(ScanBegan(examination.job, _used(folder)))
            examined = examination.run(folder)
            ended(examined)
            return examination.marked(folder, examined)
        finally:
            os.close(folder)

    def _ended(self, job: ScanJob, started_us: int, examined: Examined) -> None:
        scan = HowScanned(
            how=examined.how,
            receipt=examined.receipt,
            started_us=started_us,
            ended_us=time.time_ns() // 1000,
        )
        self._post(ScanEnded(job=job, outcome=examined.outcome, scan=scan))

    def _is_fresh(self, job: ScanJob) -> bool:
        """A scan of an earlier mount may have kept the same pages in memory; of another
        medium that had the same number, nothing is left.
        """
        now = time.monotonic()
        medium, before = self._scanned.get(job.number, (job.medium, -_FORGOTTEN_AFTER))
        self._scanned[job.number] = (job.medium, now)
        return medium != job.medium or now - before >= _FORGOTTEN_AFTER


def _used(folder: int) -> int:
    told = os.fstatvfs(folder)
    return (told.f_blocks - told.f_bfree) * told.f_frsize


def _not_scanned(reason: str) -> Examined:
    return Examined(outcome=ScanOutcome(verdict="incomplete", reason=reason))


def _why_unopened(unable: OSError) -> str:
    return "gone" if unable.errno == errno.ENOENT else f"unreadable: {unable.strerror}"
