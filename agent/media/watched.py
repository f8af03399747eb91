"""One mounted file system of a medium: how far its scan is, what was told of its use."""

from collections.abc import Iterable, Iterator

import msgspec

from checks.facts.media import Medium, Partition, ScanState

_ENGINE_FAILED = frozenset(("engine_absent", "engine_lost", "engine_changed"))


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
    there meanwhile.  `medium` is the key of the medium: the next stick gets the same number.
    """

    number: int
    device: int
    path: str
    point: str
    id: int
    medium: str = ""


class Watched:
    """Accesses are told once per operation and scan state: the first says what
    happened, a thousand more would say it again.
    """

    def __init__(self, where: MountedAt) -> None:
        self.where = where
        self.scan: ScanState = "not_started"
        self.wants_engine = False
        self.said: tuple[str, str] | None = None
        self.job: ScanJob | None = None
        self._told: set[tuple[str, ScanState]] = set()

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
