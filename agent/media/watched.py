"""One mounted file system of a medium: how far its scan is, what was told of its use."""

from collections.abc import Iterable, Iterator

import msgspec

from checks.facts.base import Process, UnknownProcess
from checks.facts.media import Medium, Partition, ScanState

_ENGINE_FAILED = frozenset(("engine_absent", "engine_lost", "engine_changed"))

KEPT_CHANGING = "kept_changing"
DISTURBED_AT_MOST = 3
"""Scans during which others changed what lies there, until that is the verdict."""


class MountedAt(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is the dev_t of the block device, `disk` the path of its medium's disk."""

    number: int
    disk: str
    medium: Medium
    partition: Partition
    mount_point: str


class ScanJob(msgspec.Struct, frozen=True, kw_only=True):
    """`number` names the file system, `path` is where we find its mount, `point`
    what those call it who live in its namespace; `id` and
    `device` (st_dev) are that mount's, so that nothing else is scanned that was mounted
    there meanwhile; `root` is the folder of the file system that the mount shows.  `medium` is the key of the medium: the next stick gets the same number.

    For the receipt: what the medium is (`about`, None where no receipt is wanted), `insertion`
    another one each time a medium comes, `filesystem` the kernel's name of its type, `place`
    which of the medium's file systems this is, and `places` all of them; `again` says that
    files were written here, under watch, since it was scanned.
    """

    number: int
    device: int
    path: str
    point: str
    id: int
    root: str = "/"
    medium: str = ""
    about: Medium | None = None
    insertion: str = ""
    filesystem: str = ""
    place: str = ""
    places: frozenset[str] = frozenset()
    again: bool = False


class HeldBack(msgspec.Struct, frozen=True):
    """Somebody's access that is told when it is known whether a receipt covers it."""

    operation: str
    path: bytes
    process: Process | UnknownProcess


class Watched:
    """Accesses are told once per operation and scan state: the first says what
    happened, a thousand more would say it again.

    `writes` counts what others wrote or put elsewhere, `writes_then` when the last scan began;
    `scans_again` says that a scan was no scan of all for that.  Seconds of the
    monotonic clock: `look_again_at`, when files that were written since are looked at, and
    `waits_until`, until when accesses are held back.  `awaits_close`: what is written counts when
    its writer closes it, and not before.
    """

    def __init__(self, where: MountedAt) -> None:
        self.where = where
        self.scan: ScanState = "not_started"
        self.wants_engine = False
        self.said: tuple[str, str] | None = None
        self.job: ScanJob | None = None
        self.writes = self.writes_then = 0
        self.scans_again = False
        self._disturbed = 0
        self.look_again_at: float | None = None
        self.waits_until: float | None = None
        self.awaits_close = False
        self._held_back: dict[str, HeldBack] = {}
        self._told: set[tuple[str, ScanState]] = set()

    def begins(self, job: ScanJob) -> None:
        self.job = job
        self.writes_then = self.writes
        self.look_again_at = None
        self.scans_again = False

    def is_undisturbed(self) -> bool:
        """Whether a scan that ends now saw everything; else `scans_again` says whether another is
        worth it.
        """
        if self.writes == self.writes_then:
            return True
        self._disturbed += 1
        self.scans_again = self._disturbed < DISTURBED_AT_MOST
        return False

    def hold_back(self, access: HeldBack) -> None:
        """The first of each operation."""
        self._held_back.setdefault(access.operation, access)

    def let_out(self) -> Iterable[HeldBack]:
        """What was held back; nothing is, from here on."""
        waiting, self._held_back, self.waits_until = self._held_back, {}, None
        return waiting.values()

    def scan_began(self) -> None:
        self.scan = "running"
        self.wants_engine = False

    def scan_ended(self, verdict: ScanState, reason: str) -> None:
        """A scan that the engine failed is wanted again once an engine is there."""
        self.scan = verdict
        self.said = (verdict, reason)
        self.wants_engine = reason in _ENGINE_FAILED

    @property
    def use_was_told(self) -> bool:
        """Whether somebody's access to a file of this mount was told."""
        return bool(self._told)

    def news_in(self, operations: Iterable[str]) -> Iterator[str]:
        """The operations that were not told in this scan state."""
        for operation in operations:
            if (operation, self.scan) not in self._told:
                self._told.add((operation, self.scan))
                yield operation
