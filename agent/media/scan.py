"""One scan: every file of a tree through the engine, and what it comes to.

Several files are in flight; a verdict is never better than what was seen.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from agent.media.engine import Engine, EngineUnavailable, EngineVersion, FileVerdict
from agent.media.questions import Questions
from agent.system.content import close, content_hash, read_ahead, state_of, why_not_clean
from agent.system.kernel import FileState
from agent.system.tree import OpenFile, Skipped

Outcome = Literal["clean", "infected", "incomplete", "not_scanned"]

IN_FLIGHT = 32
"""Files that the engine has at once at most: several for each of its threads, fewer than clamd's
queue (MaxQueue, 100) takes of two media."""

EMPTY = hashlib.sha256().hexdigest()
"""Digest of no content."""
_NAMED_AT_MOST = 100
"""Infected files that are named; the rest is only counted in the verdict."""


class Infected(msgspec.Struct, frozen=True):
    """`sha256` is empty when the content could not be read again; `state` is the file's when
    it was scanned; `engine` as in `FileVerdict`.
    """

    path: bytes
    signature: str
    sha256: str = ""
    state: FileState = FileState()
    engine: str = ""


class Unscanned(msgspec.Struct, frozen=True):
    path: bytes
    reason: str


class ScanOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """`files` of `size` bytes in all were read by the engine; `unscanned` names the first few of
    those in `skipped`; `digests` are (path, size, sha256) of every file when they were
    asked for.
    """

    verdict: Outcome
    reason: str = ""
    version: EngineVersion = EngineVersion("")
    files: int = 0
    size: int = 0
    skipped: Mapping[str, int] = {}
    unscanned: tuple[Unscanned, ...] = ()
    infected: tuple[Infected, ...] = ()
    digests: tuple[tuple[bytes, int, str], ...] = ()

    @property
    def may_be_other(self) -> bool:
        """Whether another scan may come to something else where files were moved during this."""
        return self.verdict == "clean" or (
            self.reason == "skipped" and set(self.skipped) == {"gone"}
        )


class Scan:
    """`stopped` is asked between files, and `at_once` how many of them the engine may have;
    `digest_all` reads every content once more.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        stopped: Callable[[], bool] = lambda: False,
        at_once: Callable[[], int] = lambda: IN_FLIGHT,
        digest_all: bool = False,
    ) -> None:
        self._engine = engine
        self._stopped = stopped
        self._at_once = at_once
        self._digest_all = digest_all
        self._questions = Questions(engine, stopped)
        self._skipped: Counter[str] = Counter()
        self._unscanned: list[Unscanned] = []
        self._infected: list[Infected] = []
        self._digests: list[tuple[bytes, int, str]] = []
        self._files = 0
        self._bytes = 0
        self._largest = 0

    def run(self, found: Iterable[OpenFile | Skipped]) -> ScanOutcome:
        """Reads all of `found` and closes every file in it, whatever happens."""
        version = EngineVersion("")
        reason = ""
        try:
            version = self._engine.version()
            self._largest = self._engine.largest_file()
            self._questions.begin()
            self._each(found)
            version, reason = _of_all(version, self._engine.version())
        except EngineUnavailable:
            reason = "engine_lost" if version.engine else "engine_absent"
        finally:
            self._give_up(found)
        if self._stopped():
            reason = "gone"
        return self._outcome(version, reason)

    @property
    def read(self) -> tuple[int, int]:
        """Files and octets that the engine has read so far; may be asked from another thread."""
        return self._files, self._bytes

    def abort(self) -> None:
        """From another thread: wakes the scan where it waits for the engine."""
        self._questions.interrupt()

    def _each(self, found: Iterable[OpenFile | Skipped]) -> None:
        for one in found:
            if isinstance(one, Skipped):
                self._skip(one.path, one.reason)
            elif one.size > self._largest:
                self._digest(one)
                close(one)
                self._skip(one.path, "too_large")
            elif not one.size:
                self._empty(one)
            else:
                self._submit(one)
            if self._stopped():
                return
        while self._questions:
            self._take()

    def _empty(self, one: OpenFile) -> None:
        """A million of them need no engine; what says 0 and has content is not believed."""
        self._digest(one)
        if content_hash(one) == EMPTY:
            self._files += 1
            close(one)
        else:
            self._submit(one)

    def _submit(self, one: OpenFile) -> None:
        self._digest(one)
        read_ahead(one)
        self._questions.ask(one)
        while len(self._questions) >= self._at_once() or self._questions.are_disturbed:
            self._take()

    def _take(self) -> None:
        one, verdict = self._questions.answer()
        try:
            self._count(one, verdict)
        finally:
            close(one)

    def _count(self, one: OpenFile, verdict: FileVerdict) -> None:
        why = verdict.name if verdict.finding == "skipped" else ""
        if verdict.finding == "clean":
            why = why_not_clean(one)
        if why:
            self._skip(one.path, why)
            return
        self._files += 1
        self._bytes += one.size
        if verdict.finding == "infected" and len(self._infected) < _NAMED_AT_MOST:
            self._infected.append(_infected(one, verdict))

    def _skip(self, path: bytes, reason: str) -> None:
        self._skipped[reason] += 1
        if len(self._unscanned) < _NAMED_AT_MOST:
            self._unscanned.append(Unscanned(path, reason))

    def _digest(self, one: OpenFile) -> None:
        if self._digest_all:
            self._digests.append((one.path, one.size, content_hash(one)))

    def _give_up(self, found: Iterable[OpenFile | Skipped]) -> None:
        """Descriptors held on a medium keep it busy: none outlives the scan."""
        for one in self._questions.end():
            close(one)
            self._skip(one.path, "gone" if self._stopped() else "engine_error")
        ending = getattr(found, "close", None)
        if ending is not None:
            ending()

    def _outcome(self, version: EngineVersion, reason: str) -> ScanOutcome:
        return ScanOutcome(
            verdict=self._verdict(reason),
            reason=reason or ("skipped" if self._skipped else ""),
            version=version,
            files=self._files,
            size=self._bytes,
            skipped=dict(self._skipped) if version.engine else {},
            unscanned=tuple(self._unscanned),
            infected=tuple(sorted(self._infected, key=lambda one: one.path)),
            digests=tuple(self._digests),
        )

    def _verdict(self, reason: str) -> Outcome:
        if self._infected:
            return "infected"
        if reason == "engine_absent" or (reason == "engine_lost" and not self._files):
            return "not_scanned"
        return "incomplete" if reason or self._skipped else "clean"


def _infected(one: OpenFile, verdict: FileVerdict) -> Infected:
    state = state_of(one.descriptor)
    return Infected(one.path, verdict.name, content_hash(one), state, verdict.engine)


def _of_all(first: EngineVersion, last: EngineVersion) -> tuple[EngineVersion, str]:
    """The version by which every file was scanned at least, and `engine_changed` where nobody
    can tell: signatures that were loaded in mid-scan are not those of all files.
    """
    if first == last:
        return first, ""
    dated = first.signatures_at_us and last.signatures_at_us
    if first.engine == last.engine and dated and first.signatures_at_us != last.signatures_at_us:
        return min(first, last, key=lambda one: one.signatures_at_us), ""
    return first, "engine_changed"


def fingerprint(digests: Iterable[tuple[bytes, int, str]]) -> str:
    """SHA-256 over the sorted (path, size, SHA-256 of the content) of every regular file.

    Equal fingerprints prove that the same files with the same content lay under the
    same names.  It says nothing of times, rights, symbolic links, empty folders, or what
    lies outside the file system (boot sectors, unallocated blocks, other partitions).
    """
    whole = hashlib.sha256()
    for path, size, digest in sorted(digests):
        whole.update(b"%d:%b%d:%b" % (len(path), path, size, digest.encode()))
    return whole.hexdigest()
