"""What receipts have to do with the file systems that are mounted: who used one before it was
known whether a receipt covers it, and what is written to one that is covered.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from agent.media.receipts import place_of, rules_of
from agent.media.watched import HeldBack, ScanJob, Watched
from agent.system.fanotify import FileAccess
from agent.system.held_disk import insertion_of
from agent.system.mounts import Mount
from agent.system.processes import process_at
from agent.system.scan_threads import ScanSettled, ScanThreads
from checks.facts.base import Process, UnknownProcess
from checks.policy import Policy

QUIET = 3.0
"""Seconds after the last write at which what was written is looked at."""
WAITS = 5.0
"""Seconds that an access is held back at most."""


class Covering:
    def __init__(self, scans: ScanThreads, monotonic: Callable[[], float]) -> None:
        self._scans = scans
        self._monotonic = monotonic
        self._waiting: dict[int, Watched] = {}
        self._covered: dict[int, Watched] = {}

    def follow(self, policy: Policy) -> None:
        self._scans.follow(rules_of(policy))

    def mounted(self, mount: Mount, watched: Watched, *, cleared: bool) -> ScanJob:
        """The scan of a file system that was just mounted; `cleared` says that it was scanned
        while it was held.
        """
        where, wanted = watched.where, self._scans.rules.wanted
        names = (part.device for part in where.medium.partitions)
        job = ScanJob(
            number=where.number,
            device=mount.device,
            path=mount.path,
            point=mount.point,
            id=mount.id,
            root=mount.root,
            medium=where.medium.key,
            about=where.medium if wanted else None,
            insertion=insertion_of(Path(where.disk)),
            filesystem=mount.filesystem,
            place=place_of(where.partition.device, where.disk),
            places=frozenset(place_of(name, where.disk) for name in names),
        )
        watched.begins(job)
        if wanted and cleared:
            self._covered[where.number] = watched
        elif wanted:
            watched.waits_until = self._monotonic() + WAITS
            self._waiting[where.number] = watched
        return job

    def holds_back(
        self,
        watched: Watched,
        access: FileAccess,
        process: Process | UnknownProcess | None = None,
    ) -> bool:
        """Whether an access (by `process`, looked up where it is None) is to be told later; it is
        kept until then.
        """
        if watched.waits_until is None:
            return False
        who = process or process_at(access.pid)
        for operation in access.operations:
            watched.hold_back(HeldBack(operation, access.path, who))
        return True

    def is_known(self, watched: Watched) -> Iterable[HeldBack]:
        """Whether a receipt covers it: what was held back until then."""
        self._waiting.pop(watched.where.number, None)
        return watched.let_out()

    def released(self, number: int) -> Watched | None:
        """It is not mounted any more; what still waited to be known, if anything."""
        covered = self._covered.pop(number, None)
        if covered is not None and covered.writes != covered.writes_then:
            self._scans.forget(covered.where.medium.key)
        return self._waiting.pop(number, None)

    def settled(self, news: ScanSettled, watched: Watched) -> None:
        watched.awaits_close = news.disturbed
        if news.marked is None:
            if news.disturbed:
                self._look_when_closed(watched)
            return
        if watched.writes == watched.writes_then:
            self._scans.gather(news.marked)
        else:
            self._scans.forget(news.job.medium)
            watched.look_again_at = self._monotonic() + QUIET
        self._covered[watched.where.number] = watched

    def overdue(self) -> Iterator[Watched]:
        """Those whose accesses waited long enough."""
        now = self._monotonic()
        for watched in list(self._waiting.values()):
            if watched.waits_until is not None and watched.waits_until <= now:
                yield watched

    def written(self) -> Iterator[tuple[ScanJob, Watched]]:
        """Scans of what was written here, once it is quiet."""
        now = self._monotonic()
        for watched in self._covered.values():
            due = watched.look_again_at
            if due is not None and due <= now and watched.job is not None:
                again = msgspec.structs.replace(watched.job, again=True)
                watched.begins(again)
                yield again, watched

    def deadline(self) -> float | None:
        moments = [watched.waits_until for watched in self._waiting.values()]
        moments += [watched.look_again_at for watched in self._covered.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def changed(self, watched: Watched, *, closed: bool) -> None:
        """Somebody wrote there or put something elsewhere, or may have; `closed` says that a
        writer was done with it.
        """
        watched.writes += 1
        if watched.awaits_close and not closed:
            return
        if watched.where.number in self._covered:
            watched.look_again_at = self._monotonic() + QUIET

    def _look_when_closed(self, watched: Watched) -> None:
        """It is clean, but somebody has a file open for writing: all of it is scanned again."""
        self._covered[watched.where.number] = watched
        if watched.writes != watched.writes_then:
            watched.look_again_at = self._monotonic() + QUIET
