"""One file system of a medium examined on a thread: known again where a receipt allows it,
scanned where not, and marked for the receipt that comes of it.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator

import msgspec

from agent.media.comparison import Comparison
from agent.media.engine import Engine, EngineVersion
from agent.media.fingerprint import SECRET_SIZE
from agent.media.manifest import Part
from agent.media.progress import UnderWay
from agent.media.receipting import Receipts
from agent.media.receipts import Base, Marked, filesystem_kind, older
from agent.media.scan import Scan, ScanOutcome
from agent.media.watched import ScanJob
from agent.system.boot_area import boot_mark
from agent.system.chosen_files import chosen_files
from agent.system.content import was_read
from agent.system.file_marks import Reading
from agent.system.fingerprinting import OPEN_FOR_WRITING, Unmarkable, marks_below
from agent.system.fingerprinting import Bounds as MarkBounds
from agent.system.pace import EnginePace, usage
from agent.system.tree import Bounds, OpenFile, Skipped, files_below
from checks.facts.media import ScanExtent


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """How it was scanned; `receipt` is the id of the one that was leaned on."""

    outcome: ScanOutcome
    how: ScanExtent = "full"
    receipt: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What an examination tells on its way: `read_before` a path that somebody had read before
    us (None where that cannot be told: something of ours read there since it was mounted),
    `no_receipt` that everything will be scanned.
    """

    read_before: Callable[[bytes], None] | None
    no_receipt: Callable[[], None]


class Examination:
    """Of one file system, once."""

    def __init__(
        self,
        job: ScanJob,
        engine: Engine,
        receipts: Receipts | None,
        bounds: Bounds,
        said: Said,
    ) -> None:
        self.job = job
        self._receipts = receipts
        self._bounds = bounds
        self._looking = said.read_before is not None
        self._said = said
        self._stop = threading.Event()
        pace = EnginePace(lambda: usage(engine.pid()))
        self._scan = Scan(engine, stopped=self._stop.is_set, at_once=pace.at_once)
        self._started_us = 0
        self._began: float | None = None
        self._used = 0
        self._known: Marked | None = None
        self.disturbed = False
        """Whether nothing could be marked because somebody has a file open for writing."""

    def stop(self) -> None:
        """From another thread: it lets go of its files and ends as `gone`."""
        self._stop.set()
        self._scan.abort()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def under_way(self) -> UnderWay:
        """How far it is; may be asked from another thread."""
        files, octets = self._scan.read
        return UnderWay(
            medium=self.job.medium,
            began=self._began,
            files=files,
            bytes=octets,
            used=self._used,
        )

    def run(self, folder: int) -> Examined:
        """Of everything below the open root of the file system."""
        told = os.fstatvfs(folder)
        self._used = (told.f_blocks - told.f_bfree) * told.f_frsize
        self._began = time.monotonic()
        self._started_us = time.time_ns() // 1000
        base = self._receipts.base_for(self.job) if self._receipts else None
        if base is not None:
            with contextlib.suppress(Unmarkable):  # then it is scanned whole
                known = self._by_receipt(folder, base)
                if known is not None:
                    return known
        self._said.no_receipt()
        found = files_below(folder, self._bounds, self._stop.is_set)
        return Examined(outcome=self._scan.run(self._noting_reads(found)))

    def marked(self, folder: int, examined: Examined) -> Marked | None:
        """The file system for a receipt, None where there can be none.  What is written by
        others from its scan until this returns is for the caller to know of.
        """
        if self._known is not None or examined.how != "full":
            return self._known
        wanted = self._receipts is not None and self._receipts.rules.wanted
        if not wanted or not self.job.place or examined.outcome.verdict != "clean":
            return None
        boot = boot_mark(self.job.number, self.job.filesystem)
        if not boot:
            return None
        try:
            part, read = self._part(folder, os.urandom(SECRET_SIZE), boot)
        except Unmarkable as why:
            self.disturbed = str(why) == OPEN_FOR_WRITING
            return None
        return Marked(
            job=self.job,
            part=part,
            size=read.size,
            version=examined.outcome.version,
            base=None,
            changed=True,
            started_us=self._started_us,
        )

    def _by_receipt(self, folder: int, base: Base) -> Examined | None:
        """None where the receipt says nothing of this; raises Unmarkable."""
        old = base.manifest.part(self.job.place)
        boot = boot_mark(self.job.number, self.job.filesystem)
        kind = filesystem_kind(self.job.filesystem)
        if old is None or not boot or (old.boot, old.filesystem) != (boot, kind):
            return None
        part, read = self._part(folder, old.secret, boot, old)
        if read.is_same:
            outcome = _as_receipt_says(base, read)
            self._know(part, read.size, outcome.version, base, changed=False)
            return Examined(outcome=outcome, how="unchanged", receipt=base.receipt.id)
        outcome = self._scanned_again(folder, base, read)
        if outcome.verdict == "clean":
            self._know(part, read.size, outcome.version, base, changed=True)
        how: ScanExtent = "written" if self.job.again else "changed"
        return Examined(outcome=outcome, how=how, receipt=base.receipt.id)

    def _scanned_again(self, folder: int, base: Base, read: Comparison) -> ScanOutcome:
        """What changed and a sample of the rest; where files only went away, nothing."""
        if not read.changed:
            return _as_receipt_says(base, read)
        outcome = self._scan.run(chosen_files(folder, sorted((*read.changed, *read.sampled))))
        if outcome.verdict != "clean":
            return outcome
        version = older(outcome.version, base.receipt)
        return msgspec.structs.replace(outcome, version=version)

    def _know(
        self, part: Part, size: int, version: EngineVersion, base: Base, *, changed: bool
    ) -> None:
        self._known = Marked(
            job=self.job,
            part=part,
            size=size,
            version=version,
            base=base.receipt,
            changed=changed,
            started_us=self._started_us,
        )

    def _part(
        self, folder: int, secret: bytes, boot: bytes, old: Part | None = None
    ) -> tuple[Part, Comparison]:
        """The file system as it is now, and against `old`.  Raises Unmarkable."""
        assert self._receipts is not None, "marks for nobody"
        rules, kind = self._receipts.rules, filesystem_kind(self.job.filesystem)
        thorough = rules.strict if old is None else old.strict
        read = Comparison(secret, old, rules.sample)
        marks_below(
            folder,
            Reading(secret=secret, filesystem=kind, strict=thorough),
            MarkBounds(
                seconds=self._bounds.seconds,
                stopped=self._stop.is_set,
                cached=self._was_read if self._looking else None,
            ),
            read.add,
        )
        part = Part(
            place=self.job.place,
            secret=secret,
            strict=thorough,
            filesystem=kind,
            boot=boot,
            marks=read.marks,
        )
        return part, read

    def _was_read(self, path: bytes) -> None:
        if self._looking and self._said.read_before is not None:
            self._looking = False
            self._said.read_before(path)

    def _noting_reads(self, found: Generator[OpenFile | Skipped]) -> Iterator[OpenFile | Skipped]:
        """What was read and closed again before the mark leaves its pages in memory."""
        with contextlib.closing(found):
            for one in found:
                if self._looking and isinstance(one, OpenFile) and was_read(one):
                    self._was_read(one.path)
                yield one
        self._looking = False


def _as_receipt_says(base: Base, read: Comparison) -> ScanOutcome:
    version = older(EngineVersion(""), base.receipt)
    return ScanOutcome(verdict="clean", version=version, files=len(read.marks), size=read.size)
