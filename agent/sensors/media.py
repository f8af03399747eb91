"""Removable media: attached, mounted, touched, scanned, unmounted, gone.

Everything is told from the state of now (devices, mount table, scans) against what was
told before, so an event that was lost or came twice changes nothing after the next look.

A new mount is marked for fanotify before anything is told of it.  Files that were
opened before the mark and are still open are found through /proc; what was read and
closed again within those milliseconds is found by the scan, because its pages are in
memory, but nobody knows then by whom.  What is unmounted here and goes on in somebody's own
mount namespace is watched until he lets go of it.  Missed are raw reads of the block device,
mounts that were made in a private mount namespace of others, and files that a desktop reads
from a telephone over MTP, which no mount table shows.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import timedelta

import msgspec

from agent.media.announcement import Announcements
from agent.media.copying import Copying
from agent.media.devices import DeviceSource
from agent.media.engine_watch import EngineWatch
from agent.media.glimpses import Glimpses
from agent.media.identity import identify
from agent.media.inventory import Inventory
from agent.media.lateness import Lateness
from agent.media.quarantine import Finds
from agent.media.scan import ScanOutcome
from agent.media.telling import (
    BEFORE_THE_WATCH,
    Names,
    accessed,
    read_before_mark,
    scanned,
    scanner_state,
)
from agent.media.watched import KEPT_CHANGING, ScanJob, Watched
from agent.sensors.covering import Covering
from agent.sensors.mounting import Mounting
from agent.system.accesses import Accesses
from agent.system.fanotify import FileAccess, Overflow
from agent.system.gathering import Gathering
from agent.system.mounts import MountTable, system_disks
from agent.system.processes import process_at
from agent.system.scan_threads import (
    EngineSeen,
    FilesHeld,
    FileWasRead,
    News,
    OfScan,
    ReceiptMade,
    ScanEnded,
    ScanSettled,
    ScansWhole,
    ScanThreads,
)
from checks.facts import Fact
from checks.facts.base import Process, UnknownProcess
from checks.facts.health import SensorGap
from checks.facts.media import MediumAttached, MediumDetached
from checks.policy import PolicyDocument

_FIRST_ANSWER = 0.2
"""Seconds that the first look waits for the engine at most, so that `once` knows it."""


class MediaSensor:
    """Fits Sensor.  `monotonic` gives seconds, `wall_us` microseconds since the epoch."""

    name = "media"
    heals_every = timedelta(minutes=5)

    def __init__(  # noqa: PLR0913 - ports, two clocks, a factory and the salt
        self,
        *,
        devices: DeviceSource,
        mounts: MountTable,
        scans: Callable[[], ScanThreads],
        salt: bytes,
        monotonic: Callable[[], float],
        wall_us: Callable[[], int],
        cleared: Container[int] = (),
        finds: Finds | None = None,
        kernel: DeviceSource | None = None,
        own_scans: Callable[[], frozenset[int]] = frozenset,
    ) -> None:
        """`cleared` are file systems (dev_t) that were scanned clean before anybody else could
        mount them.  `finds` is told of infected files.  `kernel` is its own word of devices,
        where `devices` are udev's.
        """
        self._devices = devices
        self._kernel = kernel
        self._own_scans = own_scans
        self._mounts = mounts
        self._make_scans = scans
        self._names = Names(salt)
        self._monotonic = monotonic
        self._wall_us = wall_us
        self._cleared = cleared
        self._finds = finds or Finds()
        self._gathering: Gathering | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._names.travel = document.policy.thresholds.file_names_travel
        self._gathering = Gathering()
        self._scans = self._make_scans()
        self._covering = Covering(self._scans, self._monotonic)
        self._covering.follow(document.policy)
        self._lateness = Lateness(document.policy)
        self._copying = Copying(document.policy, self._names, process_at)
        self._accesses = Accesses(self._gathering, self._own_scans)
        self._announcements = Announcements()
        self._jobs: dict[ScanJob, Watched] = {}
        self._engine = EngineWatch(self._scans.probe, self._monotonic)
        self._seen_at_us = self._wall_us()
        self._glimpses = Glimpses()
        for descriptor in (self._devices.open(), self._mounts.open(), self._scans.fileno()):
            self._gathering.add(descriptor)
        if self._kernel is not None:
            self._gathering.add(self._kernel.open())
        self._inventory = Inventory(system_disks(self._mounts.mounts()))
        self._mounting = Mounting(self._inventory, self._devices)
        return [self._gathering.fileno()]

    def wake(self) -> Iterable[Fact]:
        facts = [*self._files_touched()]  # first: short processes end while others are told
        facts += self._devices_changed()
        facts += self._mounts_changed()
        facts += self._files_touched()
        facts += self._copying.news()
        for news in self._scans.news():
            facts += self._heard(news)
        for watched in self._covering.overdue():
            facts += self._let_out(watched)
        for job in self._covering.written():
            self._begin(*job)
        facts += self._lateness.overdue(self._monotonic())
        self._engine.ask_if_due()
        self._seen_at_us = self._wall_us()
        return facts

    def heal(self) -> Iterable[Fact]:
        self._inventory.replace(self._devices.present())
        self._mounting.devices_changed()
        self._engine.ask(0.0 if self._engine.state else _FIRST_ANSWER)
        facts = [*self._media_changed(), *self.wake(), *self._copying.meanwhile()]
        known = self._engine.state
        return facts if known is None or known in facts else [*facts, known]

    def deadline(self) -> float | None:
        waiting = (
            self._announcements.deadline(),
            self._covering.deadline(),
            self._lateness.deadline(),
            self._engine.deadline(),
        )
        return min((moment for moment in waiting if moment is not None), default=None)

    def degraded(self) -> str:
        unseen = [
            f"file accesses on a medium are not seen: {why}"
            for why in sorted(self._accesses.failures())
        ]
        return "; ".join(reason for reason in (self._devices.degraded(), *unseen) if reason)

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._names.travel = document.policy.thresholds.file_names_travel
        self._covering.follow(document.policy)
        self._lateness.follow(document.policy)
        self._copying.follow(document.policy)
        return ()

    def stop(self) -> None:
        if self._gathering is None:
            return
        self._scans.close()
        self._accesses.close()
        self._devices.close()
        if self._kernel is not None:
            self._kernel.close()
        self._mounts.close()
        self._gathering.close()
        self._gathering = None

    def _devices_changed(self) -> Iterator[Fact]:
        yield from self._glimpsed()
        changed = False
        try:
            for change in self._devices.changes():
                self._inventory.apply(change)
                changed = True
                if change.action == "remove":  # another one may come to the same place at once
                    yield from self._media_changed()
        except OSError as overrun:
            yield self._gap(f"device events: {overrun.strerror}")
            self._inventory.replace(self._devices.present())
            changed = True
        if changed:
            media = self._inventory.media()
            self._glimpses.told(one for one in self._inventory.disks() if one.path in media)
            self._mounting.devices_changed()
        if changed or self._announcements.deadline() is not None:
            yield from self._media_changed()

    def _glimpsed(self) -> Iterator[Fact]:
        """Media that came and went before udev had told of them."""
        if self._kernel is None:
            return
        try:
            gone = [self._glimpses.apply(change) for change in self._kernel.changes()]
        except OSError as overrun:
            yield self._gap(f"device events of the kernel: {overrun.strerror}")
            return
        for disk in gone:
            medium = identify(disk, vanished=True) if disk is not None else None
            if medium is not None:
                yield MediumAttached(medium=medium)
                yield MediumDetached(medium=medium)

    def _media_changed(self) -> Iterator[Fact]:
        media = self._inventory.media()
        for fact in self._announcements.update(media, self._monotonic()):
            if isinstance(fact, MediumDetached):
                yield from self._copying.detached(fact.medium)
            yield fact
            if isinstance(fact, MediumDetached):
                for watched in self._mounting.on_lost_disks(media):
                    self._scans.stop(watched.where.number)

    def _mounts_changed(self) -> Iterator[Fact]:
        rows = self._mounts.mounts()
        yield from self._files_touched()  # what happened before the unmounting that this may show
        change = self._mounting.update(rows)
        for number in change.released:
            self._accesses.leave(number)
            yield from self._copying.unmounted(number)
            self._scans.stop(number)
            self._finds.unmounted(number)
            self._lateness.over(number)
            still_waits = self._covering.released(number)
            if still_waits is not None:
                yield from self._let_out(still_waits)
        for mount, watched in change.first:
            self._accesses.watch(watched.where.number, mount)
        yield from change.unmounted
        for disk, fact in change.mounted:
            yield from self._announcements.at_once(disk)
            yield fact
        for mount, watched in change.first:
            cleared = watched.where.number in self._cleared
            job = self._covering.mounted(mount, watched, cleared=cleared)
            if cleared:
                watched.scan_ended("clean", "")
            else:
                self._lateness.mounted(watched.where, self._monotonic())
                self._begin(job, watched)

    def _begin(self, job: ScanJob, watched: Watched) -> None:
        self._jobs[job] = watched
        self._scans.begin(job)

    def _files_touched(self) -> Iterator[Fact]:
        for watched, access in self._noted():
            yield from self._noticed(watched, access)
        for number in self._accesses.let_go():
            self._mounting.forget(number)

    def _noted(self) -> Iterator[tuple[Watched | None, FileAccess | Overflow]]:
        """What came; already counted among the changes, and not told yet."""
        for number, access in self._accesses.drain(self._scans.engine_pid()):
            watched = self._mounting.watched(number)
            if watched is not None and (isinstance(access, Overflow) or access.changes):
                closed = isinstance(access, Overflow) or access.closed
                self._covering.changed(watched, closed=closed)
            yield watched, access

    def _noticed(self, watched: Watched | None, access: FileAccess | Overflow) -> Iterator[Fact]:
        if isinstance(access, Overflow):
            yield self._gap("file accesses: the kernel's queue was full")
            if watched is not None:
                self._copying.overran(watched.where)
        elif watched is not None:
            self._copying.noted(watched.where, access)
            if access.operations:
                yield from self._touched(watched, access)

    def _touched(
        self, watched: Watched, access: FileAccess, process: Process | UnknownProcess | None = None
    ) -> Iterator[Fact]:
        if self._covering.holds_back(watched, access, process):
            return
        for operation in watched.news_in(access.operations):
            who = process or process_at(access.pid)
            yield accessed(watched, operation, access.path, who, self._names)

    def _let_out(self, watched: Watched) -> Iterator[Fact]:
        """It is known whether a receipt covers it, or it takes too long."""
        for held in self._covering.is_known(watched):
            for operation in watched.news_in((held.operation,)):
                yield accessed(watched, operation, held.path, held.process, self._names)

    def _heard(self, news: News) -> Iterator[Fact]:
        if isinstance(news, EngineSeen):
            yield from self._engine_seen(news)
        elif isinstance(news, ReceiptMade):
            yield news.fact
        elif news.job in self._jobs:
            yield from self._of_scan(news, self._jobs[news.job])

    def _of_scan(self, news: OfScan, watched: Watched) -> Iterator[Fact]:
        if isinstance(news, ScansWhole):
            yield from self._let_out(watched)
        elif isinstance(news, FilesHeld):
            for held in news.files:
                yield from self._touched(watched, held.access, held.process)
        elif isinstance(news, FileWasRead):
            yield from self._was_read(news.path, watched)
        elif isinstance(news, ScanEnded):
            yield from self._scan_ended(news, watched)
        elif isinstance(news, ScanSettled):
            yield from self._files_touched()  # what was written until it had settled
            self._scan_settled(news, watched)
        elif not news.job.again:
            watched.scan_began()
            self._lateness.began(news.job.number, news.used, self._monotonic())

    def _was_read(self, path: bytes, watched: Watched) -> Iterator[Fact]:
        access = FileAccess(operations=("open",), pid=0, path=path)
        held_back = self._covering.holds_back(watched, access, BEFORE_THE_WATCH)
        if not held_back and not watched.use_was_told:
            yield read_before_mark(watched, path, self._names)

    def _scan_settled(self, news: ScanSettled, watched: Watched) -> None:
        del self._jobs[news.job]
        if not self._mounting.is_mounted(watched):
            return
        if watched.scans_again:
            watched.begins(news.job)
            self._begin(news.job, watched)
        else:
            self._covering.settled(news, watched)

    def _scan_ended(self, news: ScanEnded, watched: Watched) -> Iterator[Fact]:
        """What others did until now counts for whether it saw everything, and is told after it."""
        meanwhile = [*self._noted()]
        outcome = news.outcome
        if outcome.may_be_other and not (news.job.again or watched.is_undisturbed()):
            outcome = msgspec.structs.replace(outcome, verdict="incomplete", reason=KEPT_CHANGING)
        if not watched.scans_again:
            yield from self._verdict(news, outcome, watched)
        for touched, access in meanwhile:
            yield from self._noticed(touched, access)

    def _verdict(self, news: ScanEnded, outcome: ScanOutcome, watched: Watched) -> Iterator[Fact]:
        self._lateness.over(news.job.number)
        said = (outcome.verdict, outcome.reason)
        repeated = watched.said == said and (watched.wants_engine or news.job.again)
        watched.scan_ended(*said)
        yield from self._let_out(watched)
        if not repeated:
            yield scanned(watched.where, outcome, news.scan, self._names)
        self._finds.found(watched.where, news.job, outcome)
        if watched.wants_engine:
            self._engine.failed()

    def _engine_seen(self, seen: EngineSeen) -> Iterator[Fact]:
        yield from self._engine.answered(scanner_state(seen.version, seen.reason))
        wanting = [watched for watched in self._mounting.all() if watched.wants_engine]
        if seen.version is None:
            if wanting:
                self._engine.failed()
            return
        if not wanting:
            self._engine.recovered()
        for watched in wanting:
            if watched.job is not None and watched.job not in self._jobs:
                watched.wants_engine = False
                self._begin(watched.job, watched)

    def _gap(self, detail: str) -> SensorGap:
        return SensorGap(
            sensor=self.name,
            cause="overrun",
            from_us=self._seen_at_us,
            to_us=self._wall_us(),
            detail=detail,
        )
