"""Scans on threads of their own; results come back to the loop through a doorbell."""

import contextlib
import errno
import os
import queue
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec

from agent.media.engine import Engine, EngineUnavailable, EngineVersion
from agent.media.scan import Scan, ScanOutcome
from agent.media.watched import ScanJob
from agent.system.content import was_read
from agent.system.doorbell import Doorbell
from agent.system.held_files import HeldFile, held_files
from agent.system.kernel import clone_mount, read_at_idle_priority
from agent.system.tree import USUAL_BOUNDS, Bounds, OpenFile, Skipped, files_below

AT_ONCE = 2
"""Media scanned in parallel; more only make each other's disks and the engine wait."""

_STOPPING_SECONDS = 2.0
_FORGOTTEN_AFTER = 10.0
"""Seconds after which no descriptor of an ended scan holds an unmounted file system."""


class ScanBegan(msgspec.Struct, frozen=True):
    job: ScanJob


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


class ScanEnded(msgspec.Struct, frozen=True, kw_only=True):
    """Wall clock, microseconds."""

    job: ScanJob
    outcome: ScanOutcome
    started_us: int
    ended_us: int


class EngineSeen(msgspec.Struct, frozen=True, kw_only=True):
    """`version` is None where no engine answered, for `reason`."""

    version: EngineVersion | None
    reason: str = ""


News = ScanBegan | FilesHeld | FileWasRead | ScanEnded | EngineSeen


class _Running:
    """`fresh`: nothing of ours has read this file system since it was mounted."""

    def __init__(self, job: ScanJob, engine: Engine, *, fresh: bool) -> None:
        self.job = job
        self.fresh = fresh
        self.stop = threading.Event()
        self.scan = Scan(engine, stopped=self.stop.is_set)


class ScanThreads:
    """One thread per medium that is being scanned, at most AT_ONCE of them reading."""

    def __init__(self, engine: Engine, bounds: Bounds = USUAL_BOUNDS) -> None:
        self._engine = engine
        self._bounds = bounds
        self._doorbell = Doorbell()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._running: dict[int, tuple[_Running, threading.Thread]] = {}
        self._probing: threading.Thread | None = None
        self._scanned: dict[int, tuple[str, float]] = {}

    def fileno(self) -> int:
        return self._doorbell.fileno()

    def engine_pid(self) -> int:
        return self._engine.pid()

    def begin(self, job: ScanJob) -> None:
        """A scan of the same file system that is still running goes on instead."""
        current = self._running.get(job.number)
        if current is not None and current[1].is_alive() and not current[0].stop.is_set():
            return
        running = _Running(job, self._engine, fresh=self._is_fresh(job))
        thread = threading.Thread(target=self._scan, args=(running,), name="scan", daemon=True)
        self._running[job.number] = (running, thread)
        thread.start()

    def stop(self, number: int) -> None:
        """Returns at once; the scan lets go of its files and ends as `gone`."""
        current = self._running.pop(number, None)
        if current is not None:
            current[0].stop.set()
            current[0].scan.abort()

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
        threads = [thread for _, thread in self._running.values()]
        for number in list(self._running):
            self.stop(number)
        if self._probing is not None:
            threads.append(self._probing)
        for thread in threads:
            thread.join(_STOPPING_SECONDS)
        if not any(thread.is_alive() for thread in threads):
            self._doorbell.close()

    def _post(self, news: News) -> None:
        self._news.put(news)
        self._doorbell.ring()

    def _probe(self) -> None:
        try:
            seen = EngineSeen(version=self._engine.version())
        except EngineUnavailable as absent:
            seen = EngineSeen(version=None, reason=str(absent))
        self._post(seen)

    def _scan(self, running: _Running) -> None:
        job = running.job
        held = tuple(held_files(job.point))
        if held:
            self._post(FilesHeld(job, held))
        with self._turns:
            started = time.time_ns() // 1000
            outcome = self._outcome(running)
        self._scanned[job.number] = (job.medium, time.monotonic())
        self._post(
            ScanEnded(job=job, outcome=outcome, started_us=started, ended_us=time.time_ns() // 1000)
        )

    def _outcome(self, running: _Running) -> ScanOutcome:
        if running.stop.is_set():
            return ScanOutcome(verdict="incomplete", reason="gone")
        self._post(ScanBegan(running.job))
        read_at_idle_priority()
        try:
            folder = open_mount(running.job)
        except OSError as unable:
            return ScanOutcome(verdict="incomplete", reason=_why_unopened(unable))
        try:
            found = files_below(folder, self._bounds, running.stop.is_set)
            return running.scan.run(self._noting_reads(running, found))
        finally:
            os.close(folder)

    def _noting_reads(
        self, running: _Running, found: Generator[OpenFile | Skipped]
    ) -> Iterator[OpenFile | Skipped]:
        """What was read and closed again before the mark leaves its pages in memory."""
        looking = running.fresh
        with contextlib.closing(found):
            for one in found:
                if looking and isinstance(one, OpenFile) and was_read(one):
                    self._post(FileWasRead(running.job, one.path))
                    looking = False
                yield one

    def _is_fresh(self, job: ScanJob) -> bool:
        """A scan of an earlier mount may have kept the same pages in memory; of another
        medium that had the same number, nothing is left.
        """
        now = time.monotonic()
        medium, before = self._scanned.get(job.number, (job.medium, -_FORGOTTEN_AFTER))
        self._scanned[job.number] = (job.medium, now)
        return medium != job.medium or now - before >= _FORGOTTEN_AFTER


def open_mount(job: ScanJob) -> int:
    """The root of the mount, as a private copy where the kernel lets us: then the scan
    keeps nobody from unmounting.  Without that right (a mount of another namespace, no
    CAP_SYS_ADMIN) the mount is busy while files of it are read.

    Raises:
        OSError: it cannot be opened, or another mount is there by now.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        copy = clone_mount(job.path)
        try:
            folder = os.open(".", flags, dir_fd=copy)
        finally:
            os.close(copy)
        if os.fstat(folder).st_dev == job.device:
            return folder
        os.close(folder)
    folder = os.open(job.path, flags)
    if _mount_id(folder) not in (job.id, 0):
        os.close(folder)
        raise FileNotFoundError(errno.ENOENT, "another mount is there by now")
    return folder


def _why_unopened(unable: OSError) -> str:
    return "gone" if unable.errno == errno.ENOENT else f"unreadable: {unable.strerror}"


def _mount_id(descriptor: int) -> int:
    """`mnt_id` of proc_pid_fdinfo(5)."""
    with Path(f"/proc/self/fdinfo/{descriptor}").open(encoding="ascii") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith("mnt_id:")), 0)
