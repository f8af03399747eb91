"""Facts of the media room, from what was seen."""

import hashlib
from pathlib import PurePosixPath

import msgspec

from agent.media.engine import EngineVersion
from agent.media.scan import ScanOutcome
from agent.media.watched import MountedAt, Watched
from checks.facts.base import Process, UnknownProcess
from checks.facts.media import (
    Infection,
    MediumAccessed,
    MediumScanned,
    ScanExtent,
    ScannerState,
)

BEFORE_THE_WATCH = UnknownProcess(why="before_watch")
_HASH_SIZE = 16
_SUFFIX_LENGTH = 12


class Names:
    """What of a file's name leaves the endpoint: a salted hash and the suffix; the name
    itself only where the policy lets it travel.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self.travel = False

    def hashed(self, path: bytes) -> str:
        """Equal for the same path below the mount on this endpoint, whoever saw it."""
        return hashlib.blake2b(path, key=self._salt[:64], digest_size=_HASH_SIZE).hexdigest()

    def name(self, path: bytes) -> str:
        return shown(path) if self.travel else ""


def shown(path: bytes) -> str:
    """As text that can travel; what is no UTF-8 shows as U+FFFD."""
    return path.decode("utf-8", "replace")


def accessed(
    watched: Watched,
    operation: str,
    path: bytes,
    process: Process | UnknownProcess,
    names: Names,
) -> MediumAccessed:
    return MediumAccessed(
        medium=watched.where.medium,
        mount_point=watched.where.mount_point,
        operation=operation,  # type: ignore[arg-type] # fanotify's Operation, by way of a set
        scan=watched.scan,
        process=process,
        file_hash=names.hashed(path),
        suffix=suffix_of(path),
        file_name=names.name(path),
    )


def read_before_mark(watched: Watched, path: bytes, names: Names) -> MediumAccessed:
    """A file was read between the mount and our mark, so before any scan."""
    return MediumAccessed(
        medium=watched.where.medium,
        mount_point=watched.where.mount_point,
        operation="open",
        scan="not_started",
        process=BEFORE_THE_WATCH,
        file_hash=names.hashed(path),
        suffix=suffix_of(path),
        file_name=names.name(path),
    )


def suffix_of(path: bytes) -> str:
    suffix = PurePosixPath(shown(path)).suffix.lower().lstrip(".")
    return suffix if len(suffix) <= _SUFFIX_LENGTH else ""


class HowScanned(msgspec.Struct, frozen=True, kw_only=True):
    """As in `MediumScanned`."""

    how: ScanExtent
    receipt: str
    started_us: int
    ended_us: int


def scanned(where: MountedAt, outcome: ScanOutcome, how: HowScanned, names: Names) -> MediumScanned:
    return MediumScanned(
        medium=where.medium,
        mount_point=where.mount_point,
        verdict=outcome.verdict,
        reason=outcome.reason,
        engine=outcome.version.engine,
        signatures=outcome.version.signatures,
        signatures_at_us=outcome.version.signatures_at_us,
        files=outcome.files,
        bytes=outcome.size,
        skipped=dict(outcome.skipped),
        infections=tuple(
            Infection(
                signature=one.signature,
                sha256=one.sha256,
                file_hash=names.hashed(one.path),
                file_name=names.name(one.path),
                suffix=suffix_of(one.path),
                engine=one.engine,
            )
            for one in outcome.infected
        ),
        how=how.how,
        receipt=how.receipt,
        started_us=how.started_us,
        ended_us=how.ended_us,
    )


def scanner_state(version: EngineVersion | None, reason: str) -> ScannerState:
    if version is None:
        return ScannerState(available=False, reason=reason)
    return ScannerState(
        available=True,
        engine=version.engine,
        signatures=version.signatures,
        signatures_at_us=version.signatures_at_us,
    )
