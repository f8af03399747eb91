"""Infected files that are to be moved away from their medium: who found them, what is told.

The sensors of media find them, the sensor of the quarantine moves them; all on the loop's
thread, but for the moving itself.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import msgspec

from agent.media.engine import EngineVersion
from agent.media.scan import Infected, ScanOutcome
from agent.media.telling import Names, suffix_of
from agent.media.watched import MountedAt, ScanJob
from checks.facts.quarantine import FilesQuarantined, QuarantinedFile, QuarantineEnd
from checks.policy import PolicyDocument


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where an infected file lay: `path` below the mount of the medium with this `key`, whose
    name is `medium`.  `modified_ns` and `moved_us` since the epoch.  Never leaves the endpoint.
    """

    key: str
    medium: str
    path: bytes
    signature: str
    engine: str = ""
    signatures: str = ""
    modified_ns: int = 0
    moved_us: int = 0

    def is_same_as(self, other: "Origin") -> bool:
        """But for the moment: a move that was broken off and came again."""
        return msgspec.structs.replace(self, moved_us=other.moved_us) == other


class Find(msgspec.Struct, frozen=True, kw_only=True):
    """What one scan found; `job` is None where the medium is held and nothing is moved.
    `over` is set when the file system is not mounted any more.
    """

    where: MountedAt
    job: ScanJob | None
    version: EngineVersion
    infected: tuple[Infected, ...]
    over: threading.Event = msgspec.field(default_factory=threading.Event)


class Finds:
    """Handed from the sensors that scan to the one that moves.  The loop's thread only."""

    def __init__(self) -> None:
        self._found: deque[Find] = deque()
        self._moving: list[Find] = []
        self.ring: Callable[[], None] = lambda: None
        self.wanted = False
        """Whether the policy has them moved; the sensor that moves sets it and `ring`."""

    def found(self, where: MountedAt, job: ScanJob | None, outcome: ScanOutcome) -> None:
        if self.wanted and outcome.infected:
            version, infected = outcome.version, outcome.infected
            self._found.append(Find(where=where, job=job, version=version, infected=infected))
            self.ring()

    def unmounted(self, number: int) -> None:
        """The file system with this number: what is not moved yet stays on the medium."""
        for find in (*self._found, *self._moving):
            if find.where.number == number:
                find.over.set()

    def take(self) -> Find | None:
        """The next, which is under way until it is `done`."""
        if not self._found:
            return None
        self._moving.append(self._found.popleft())
        return self._moving[-1]

    def done(self, find: Find) -> None:
        self._moving.remove(find)

    def stop(self) -> None:
        """What waits is given up, what is under way is to end."""
        self.ring = lambda: None
        self.wanted = False
        for find in self._moving:
            find.over.set()
        self._found.clear()
        self._moving.clear()


def is_wanted(document: PolicyDocument) -> bool:
    return document.policy.scanning.quarantine


def why_left(find: Find, document: PolicyDocument) -> QuarantineEnd | None:
    """Why nothing of it is moved; None where it may be.  Nothing is taken away from those
    who treat patients with this machine.
    """
    if find.job is None:
        return "held"
    return "clinical" if document.endpoint.clinical else None


def origin_of(find: Find, one: Infected, moved_us: int) -> Origin:
    return Origin(
        key=find.where.medium.key,
        medium=find.where.medium.describe(),
        path=one.path,
        signature=one.signature,
        engine=find.version.engine,
        signatures=find.version.signatures,
        modified_ns=one.state.modified_ns,
        moved_us=moved_us,
    )


def told(find: Find, ends: Sequence[QuarantineEnd], names: Names) -> FilesQuarantined:
    """`ends` in the order of the infected files."""
    return FilesQuarantined(
        medium=find.where.medium,
        mount_point=find.where.mount_point,
        files=tuple(_files(find, ends, names)),
    )


def _files(find: Find, ends: Sequence[QuarantineEnd], names: Names) -> Iterator[QuarantinedFile]:
    for one, end in zip(find.infected, ends, strict=True):
        yield QuarantinedFile(
            signature=one.signature,
            end=end,
            sha256=one.sha256,
            size=one.state.size,
            file_hash=names.hashed(one.path),
            file_name=names.name(one.path),
            suffix=suffix_of(one.path),
        )
