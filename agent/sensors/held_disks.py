"""The media that are held, each on its way from insertion to release."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec

from agent.hold_requests import EmergencyRelease
from agent.media.holding import Cleared, Pace, Ruling, is_meant, ruling
from agent.media.quarantine import Finds
from agent.media.receipts import place_of
from agent.media.scan import ScanOutcome
from agent.media.telling import Names, scanned
from agent.media.watched import MountedAt, ScanJob
from agent.system.held_disk import OpenedDisk, OpenedPart, insertion_of, numbers_of, tell_others
from agent.system.hold_gate import HoldGate
from agent.system.hold_programs import BLOCK
from agent.system.hold_threads import DiskClosed, DiskOpened, DiskUnreadable, HoldThreads
from agent.system.private_mount import mount_id
from agent.system.scan_threads import ScanEnded, ScanSettled, ScanThreads
from checks.facts import Fact
from checks.facts.holding import MediumHeld
from checks.facts.media import Medium, Partition
from checks.policy import PolicyDocument

State = Literal["opening", "scanning", "closing", "kept", "empty", "released"]
_TRIED_AGAIN = timedelta(seconds=30)
_MAY_PASS = frozenset(("not_scanned", "signatures_old", "incomplete", "unreadable"))
"""Grounds that an engine which comes back, or new signatures, may remove."""
_MICROSECOND = timedelta(microseconds=1)

Answer = Callable[[str], None]


class HeldDisk:
    """One insertion of one disk (by its path in sysfs)."""

    def __init__(self, path: str, insertion: str) -> None:
        self.path = path
        self.insertion = insertion
        self.state: State = "opening"
        self.medium: Medium | None = None
        self.opened: OpenedDisk | None = None
        self.running: dict[ScanJob, OpenedPart] = {}
        self.outcomes: list[ScanOutcome] = []
        self.ruling = Ruling(released=False, ground="")
        self.said: object = None
        self.retry_at = float("inf")
        self.emergency: tuple[EmergencyRelease, Answer] | None = None


class Hands(msgspec.Struct, frozen=True, kw_only=True):
    """What is acted with.  `identified` gives the medium of a disk with what was read of it;
    `monotonic` gives seconds, `wall_us` microseconds since the epoch.
    """

    gate: HoldGate
    threads: HoldThreads
    scans: ScanThreads
    names: Names
    cleared: Cleared
    finds: Finds
    identified: Callable[[str, OpenedDisk | None], Medium | None]
    monotonic: Callable[[], float]
    wall_us: Callable[[], int]


class HeldDisks:
    def __init__(self, hands: Hands, document: PolicyDocument) -> None:
        self._hands = hands
        self.document = document
        self._disks: dict[str, HeldDisk] = {}
        self._pace = Pace()

    def appeared(self, path: str, *, released: bool = False) -> None:
        """A disk is there, perhaps since long; `released` by an earlier run of the agent."""
        insertion = insertion_of(Path(path))
        known = self._disks.get(path)
        if known is not None and known.insertion == insertion:
            if known.state == "released":
                self._let_everybody(path)
            return
        self.vanished(path)
        disk = self._disks[path] = HeldDisk(path, insertion)
        if released:
            disk.state = "released"
            self._let_everybody(path)
            return
        for device in numbers_of(Path(path)):
            self._hands.gate.forget(device)
        self._hands.threads.open(path, insertion)

    def vanished(self, path: str) -> None:
        disk = self._disks.pop(path, None)
        self._hands.cleared.drop(path)
        if disk is not None and disk.opened is not None and disk.state == "scanning":
            self._close(disk)

    def opened(self, news: DiskOpened | DiskUnreadable) -> Iterator[Fact]:
        disk = self._disks.get(news.disk)
        if disk is None or disk.insertion != news.insertion or disk.state != "opening":
            if isinstance(news, DiskOpened):
                self._hands.threads.close_disk(news.disk, news.insertion, news.opened)
            return
        disk.opened = news.opened if isinstance(news, DiskOpened) else None
        disk.medium = self._hands.identified(disk.path, disk.opened)
        if isinstance(news, DiskUnreadable):
            disk.ruling = Ruling(released=False, ground="unreadable", reason=news.reason)
            yield from self._settled(disk)
        elif disk.medium is None:
            disk.state = "empty"
            self._hands.threads.close_disk(disk.path, disk.insertion, news.opened)
        else:
            yield from self._announced(disk, disk.medium, news.opened)
            self._scan(disk, disk.medium, news.opened)

    def scan_ended(self, news: ScanEnded) -> Iterator[Fact]:
        disk = next((one for one in self._disks.values() if news.job in one.running), None)
        if disk is None or disk.medium is None:
            return
        part = disk.running[news.job]
        outcome = news.outcome
        disk.outcomes.append(outcome)
        if news.scan.how == "full":
            took_us = news.scan.ended_us - news.scan.started_us
            self._pace.scanned(outcome.size, took_us / 1_000_000)
        if disk.said != (outcome.verdict, outcome.reason):
            where = _place(disk.path, disk.medium, part)
            yield scanned(where, outcome, news.scan, self._hands.names)
            self._hands.finds.found(where, None, outcome)

    def scan_settled(self, news: ScanSettled) -> None:
        """With the last one the medium is let go of by us."""
        disk = next((one for one in self._disks.values() if news.job in one.running), None)
        if disk is None:
            return
        del disk.running[news.job]
        if news.marked is not None:
            self._hands.scans.gather(news.marked)
        if not disk.running:
            self._close(disk)

    def closed(self, news: DiskClosed) -> Iterator[Fact]:
        disk = self._disks.get(news.disk)
        if disk is None or disk.insertion != news.insertion or disk.state != "closing":
            return
        assert disk.opened is not None, "closed before it was opened"
        refusals = [part.refusal for part in disk.opened.parts if part.refusal]
        policy = self.document.policy
        disk.ruling = ruling(disk.outcomes, refusals, policy, self._hands.wall_us())
        yield from self._settled(disk)

    def look_again(self) -> None:
        """At those whose ground may have passed."""
        now = self._hands.monotonic()
        for disk in [disk for disk in self._disks.values() if disk.retry_at <= now]:
            disk.retry_at = float("inf")
            disk.state, disk.outcomes, disk.opened = "opening", [], None
            self._hands.threads.open(disk.path, disk.insertion)

    def deadline(self) -> float | None:
        soonest = min((disk.retry_at for disk in self._disks.values()), default=float("inf"))
        return None if soonest == float("inf") else soonest

    def emergency(self, request: EmergencyRelease, answer: Answer) -> Iterator[Fact]:
        """Released whatever is known of it; a scan that runs is given up."""
        disk = next((one for one in self._disks.values() if _is_asked(one, request)), None)
        if disk is None or disk.state in ("released", "empty"):
            answer(f"{request.medium} is not held")
            return
        disk.emergency = (request, answer)
        if disk.state == "kept":
            yield from self._settled(disk)
        elif disk.state == "scanning":
            self._close(disk)

    def end(self, ground: str) -> Iterator[Fact]:
        """Nothing is held any more; the gate is gone already."""
        for disk in self._disks.values():
            if disk.state == "scanning":
                self._close(disk)
            if disk.state not in ("released", "empty") and disk.medium is not None:
                yield MediumHeld(medium=disk.medium, action="released", ground=ground)
            tell_others(Path(disk.path))
        self._disks = {}

    def give_up(self) -> None:
        """The service ends: everything stays held."""
        for disk in self._disks.values():
            if disk.state == "scanning":
                self._close(disk)
        self._disks = {}

    def _announced(self, disk: HeldDisk, medium: Medium, opened: OpenedDisk) -> Iterator[Fact]:
        if disk.said is not None:
            return
        used = sum(part.used for part in opened.parts)
        estimate = self._pace.estimate(used)
        yield MediumHeld(medium=medium, action="held", used=used, estimate=estimate)

    def _scan(self, disk: HeldDisk, medium: Medium, opened: OpenedDisk) -> None:
        disk.state = "scanning"
        for part in opened.parts if disk.emergency is None else ():
            if part.root >= 0:
                job = _job(part, medium, disk, opened)
                disk.running[job] = part
                self._hands.scans.begin(job)
        if not disk.running:
            self._close(disk)

    def _close(self, disk: HeldDisk) -> None:
        for job in disk.running:
            self._hands.scans.stop(job.number)
        disk.running = {}
        disk.state = "closing"
        assert disk.opened is not None, "closed before it was opened"
        self._hands.threads.close_disk(disk.path, disk.insertion, disk.opened)

    def _settled(self, disk: HeldDisk) -> Iterator[Fact]:
        """Released or kept, by the ruling or by an emergency."""
        if insertion_of(Path(disk.path)) != disk.insertion:
            disk.state = "kept"  # another medium is there; its own word is on the way
        elif disk.emergency is not None:
            request, answer = disk.emergency
            disk.emergency = None
            self._release(disk)
            answer(f"{request.medium}: released")
            yield from _told(disk, "released", Ruling(released=True, ground="emergency"), request)
        elif disk.ruling.released:
            assert disk.opened is not None, "released without a look"
            self._hands.cleared.add(disk.path, [part.number for part in disk.opened.parts])
            self._release(disk)
            yield from _told(disk, "released", disk.ruling)
        else:
            yield from self._kept(disk)

    def _kept(self, disk: HeldDisk) -> Iterator[Fact]:
        disk.state = "kept"
        if disk.ruling.ground in _MAY_PASS:
            disk.retry_at = self._hands.monotonic() + _TRIED_AGAIN.total_seconds()
        last = disk.outcomes[-1] if disk.outcomes else None
        said = (last.verdict, last.reason) if last else disk.ruling
        if disk.said != said:
            disk.said = said
            yield from _told(disk, "kept", disk.ruling)

    def _release(self, disk: HeldDisk) -> None:
        disk.state = "released"
        disk.retry_at = float("inf")
        self._let_everybody(disk.path)
        tell_others(Path(disk.path))

    def _let_everybody(self, path: str) -> None:
        """But for SCSI generic: nobody uses files by it, and the kernel gives its numbers to
        the next medium without telling the gate.
        """
        for device in numbers_of(Path(path)):
            if device.kind == BLOCK:
                self._hands.gate.allow(device)


def _told(
    disk: HeldDisk,
    action: Literal["kept", "released"],
    decided: Ruling,
    request: EmergencyRelease | None = None,
) -> Iterator[Fact]:
    if disk.medium is None:
        return
    yield MediumHeld(
        medium=disk.medium,
        action=action,
        ground=decided.ground,
        reason=request.reason if request else decided.reason,
        actor=request.actor if request else "",
        name=request.name if request else "",
    )


def _job(part: OpenedPart, medium: Medium, disk: HeldDisk, opened: OpenedDisk) -> ScanJob:
    path = f"/proc/self/fd/{part.root}"
    return ScanJob(
        number=part.number,
        device=os.fstat(part.root).st_dev,
        path=path,
        point=path,
        id=mount_id(part.root),
        medium=medium.key,
        about=medium,
        insertion=disk.insertion,
        filesystem=opened.properties.get(part.node, {}).get("ID_FS_TYPE", ""),
        place=place_of(part.node, disk.path),
        places=frozenset(place_of(one.node, disk.path) for one in opened.parts),
    )


def _place(path: str, medium: Medium, part: OpenedPart) -> MountedAt:
    """Mounted nowhere that anybody could name."""
    own = [one for one in medium.partitions if one.device == part.node]
    partition = own[0] if own else Partition(device=part.node, size=0)
    return MountedAt(
        number=part.number, disk=path, medium=medium, partition=partition, mount_point=""
    )


def _is_asked(disk: HeldDisk, request: EmergencyRelease) -> bool:
    names = [f"/dev/{Path(disk.path).name}", Path(disk.path).name]
    if disk.medium is not None:
        names += [disk.medium.key, disk.medium.serial]
        names += [part.device for part in disk.medium.partitions]
    return is_meant(request.medium, names=names)
