"""`wardwatch-agent scan PATH`: a mount or folder as a medium would be scanned."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agent.media.engine import Engine
from agent.media.scan import Scan, ScanOutcome, fingerprint
from agent.media.telling import shown
from agent.system.clamd import ScannerSettings
from agent.system.engines import engine_of
from agent.system.tree import files_below

EXIT_FINE, EXIT_FAILED, EXIT_WRONG_USE, EXIT_INFECTED = 0, 1, 2, 3


class SkippedFile(msgspec.Struct, frozen=True):
    path: str
    reason: str


class InfectedFile(msgspec.Struct, frozen=True):
    path: str
    signature: str
    sha256: str = ""
    engine: str = ""


class ScanReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints.  `fingerprint` is empty unless every file could be read;
    `seconds` is elapsed time.
    """

    verdict: str
    reason: str = ""
    files: int = 0
    bytes: int = 0
    skipped: tuple[SkippedFile, ...] = ()
    infected: tuple[InfectedFile, ...] = ()
    engine: str = ""
    signatures: str = ""
    signatures_at: str = ""
    fingerprint: str = ""
    seconds: float = 0.0

    @property
    def exit_status(self) -> int:
        """3 when something was found, 0 when all is clean, 1 when nobody can say."""
        if self.verdict == "infected":
            return EXIT_INFECTED
        return EXIT_FINE if self.verdict == "clean" else EXIT_FAILED


_NOT_WHOLE = frozenset(("unreadable", "gone", "too_deep", "too_many_files", "timeout"))


def scan_path(path: Path, scanner: ScannerSettings) -> ScanReport:
    """Scans every regular file below the folder, inside its file system.

    Raises:
        OSError: the path is no folder that can be opened.
    """
    return scan_with(path, engine_of(scanner))


def scan_with(path: Path, engine: Engine) -> ScanReport:
    """As `scan_path`, with this engine."""
    began = time.monotonic()
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        outcome = Scan(engine, digest_all=True).run(files_below(folder))
    finally:
        os.close(folder)
    return _report(outcome, seconds=time.monotonic() - began)


def _report(outcome: ScanOutcome, *, seconds: float) -> ScanReport:
    return ScanReport(
        verdict=outcome.verdict,
        reason=outcome.reason,
        files=outcome.files,
        bytes=outcome.size,
        skipped=tuple(SkippedFile(shown(one.path), one.reason) for one in outcome.unscanned),
        infected=tuple(
            InfectedFile(shown(one.path), one.signature, one.sha256, one.engine)
            for one in outcome.infected
        ),
        engine=outcome.version.engine,
        signatures=outcome.version.signatures,
        signatures_at=_moment(outcome.version.signatures_at_us),
        fingerprint=fingerprint(outcome.digests) if _is_whole(outcome) else "",
        seconds=round(seconds, 3),
    )


def _is_whole(outcome: ScanOutcome) -> bool:
    """Every regular file gave its digest."""
    broken = outcome.reason not in ("", "skipped") or not outcome.version.engine
    unread = any(not digest for _, _, digest in outcome.digests)
    return not (broken or unread or _NOT_WHOLE & outcome.skipped.keys())


def _moment(at_us: int) -> str:
    """RFC 3339 in UTC, empty for 0."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).isoformat() if at_us else ""
