"""Knowing a medium's content again, against scanning it: 20,000 files on a real block device,
mounted anew before each turn, so that no page of it is in memory.  What changed is measured by
the examination that the agent runs, ledger and manifest included.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.media.fingerprint import SECRET_SIZE
from agent.media.receipting import Receipts
from agent.media.receipts import rules_of
from agent.media.scan import Scan
from agent.media.watched import ScanJob
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.examination import Examination, Said
from agent.system.file_marks import Reading
from agent.system.fingerprinting import Bounds, marks_below
from agent.system.tree import USUAL_BOUNDS, files_below
from checks.facts.media import Medium
from checks.policy import parse_policy
from tests.bench.figures import Figure
from tests.clamd import make_clamd
from tests.loopdev import LoopDevice, make_loop
from tests.support.ledger import Ledger, Station, receipts_at

FILES, FILES_SMALL = 20_000, 1_000
A_FOLDER = 200
SIZES = range(5_000, 100_000, 47)
SPARSE_FILE = (32 << 30) // 20_000
LOAD = "ext4 on a loop device, mounted anew before each turn"
TURNS = 3
CHANGED_EVERY = 100

Act = Callable[[int], None]


def measure(*, small: bool) -> list[Figure]:
    files = FILES_SMALL if small else FILES
    with (
        tempfile.TemporaryDirectory(prefix="ww-recheck-") as name,
        _scanner(Path(name)) as engine,
        _medium(Path(name), files) as device,
    ):
        point = Path(name) / "mnt"
        cold = _timed(device, point, lambda folder: _scan(engine, folder))
        warm = _timed(device, point, lambda folder: _scan(engine, folder))
        again = min(_timed(device, point, _sampled) for _ in range(TURNS))
        strict = min(_timed(device, point, _strict) for _ in range(TURNS))
        changed = _changed(Path(name), engine, device, files)
    sparse = _sparse(files)
    return [
        _figure("scan.cold_s", cold, "s", files),
        _figure("scan.recheck_s", again, "s", files),
        _figure("scan.recheck_ratio", cold / again, "x", files),
        _figure("scan.recheck_warm_ratio", warm / again, "x", files),
        _figure("scan.changed_s", changed, "s", files),
        _figure("scan.changed_ratio", cold / changed, "x", files),
        _figure("scan.recheck_strict_s", strict, "s", files),
        _figure("scan.recheck_sparse_s", sparse, "s", files),
    ]


def _figure(name: str, value: float, unit: str, files: int) -> Figure:
    return Figure(name=name, value=round(value, 2), unit=unit, n=files, load=LOAD)


@contextmanager
def _scanner(folder: Path) -> Iterator[Clamd]:
    """Its clean-file cache is cold."""
    clamd = make_clamd(folder / "clamd")
    clamd.folder.mkdir()
    clamd.start()
    try:
        yield Clamd(ScannerSettings(clamd.address))
    finally:
        clamd.kill()


@contextmanager
def _medium(folder: Path, files: int) -> Iterator[LoopDevice]:
    device = make_loop(folder, "medium", size=(1500 << 20) if files == FILES else (200 << 20))
    try:
        point = folder / "mnt"
        device.mount(point)
        for number in range(files):
            place = point / f"{number // A_FOLDER}"
            place.mkdir(exist_ok=True)
            size = SIZES[number * 7 % len(SIZES)]
            (place / f"{number}.bin").write_bytes(os.urandom(size))
        device.unmount(point)
        yield device
    finally:
        device.release()


def _timed(device: LoopDevice, point: Path, act: Act) -> float:
    device.mount(point)
    folder = os.open(point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        begun = time.monotonic()
        act(folder)
        return time.monotonic() - begun
    finally:
        os.close(folder)
        device.unmount(point)


def _changed(folder: Path, engine: Clamd, device: LoopDevice, files: int) -> float:
    """A hundredth of the files was written elsewhere since the last receipt."""
    ledger, point = Ledger(), folder / "mnt"
    station = receipts_at(folder, ledger, Station("bench"))
    station.rules = rules_of(parse_policy(""))
    _timed(device, point, lambda root: _examined(engine, station, device, root, ledger))
    best = float("inf")
    for turn in range(TURNS):
        device.mount(point)
        for number in range(turn, files, CHANGED_EVERY):
            (point / f"{number // A_FOLDER}" / f"{number}.bin").write_bytes(os.urandom(9_000))
        device.unmount(point)
        took = _timed(device, point, lambda root: _examined(engine, station, device, root, ledger))
        best = min(best, took)
    return best


def _examined(
    engine: Clamd, receipts: Receipts, device: LoopDevice, folder: int, ledger: Ledger
) -> None:
    """As in the agent, up to the verdict and the next receipt."""
    medium = Medium(key="bench", kind="stick", bus="usb")
    job = ScanJob(
        number=device.number,
        device=0,
        path="",
        point="",
        id=0,
        medium=medium.key,
        about=medium,
        filesystem="ext4",
        place="0",
        places=frozenset("0"),
    )
    silent = Said(read_before=None, no_receipt=lambda: None)
    examination = Examination(job, engine, receipts, USUAL_BOUNDS, silent)
    marked = examination.marked(folder, examination.run(folder))
    issued = receipts.issue([marked]) if marked else None
    if issued is None:
        raise AssertionError("no receipt")
    ledger.takes(issued)


def _scan(engine: Clamd, folder: int) -> None:
    outcome = Scan(engine).run(files_below(folder))
    if outcome.verdict != "clean":
        raise AssertionError(outcome)


def _sampled(folder: int) -> None:
    _marks(folder, strict=False)


def _strict(folder: int) -> None:
    _marks(folder, strict=True)


def _marks(folder: int, *, strict: bool) -> None:
    reading = Reading(secret=os.urandom(SECRET_SIZE), filesystem="ext4", strict=strict)
    marks: dict[bytes, bytes] = {}
    marks_below(folder, reading, Bounds(), lambda path, mark, _: marks.update({path: mark}))


def _sparse(files: int) -> float:
    """As much as 32 GB, nearly all of it holes."""
    with tempfile.TemporaryDirectory(prefix="ww-sparse-") as name:
        for number in range(files):
            place = Path(name) / f"{number // A_FOLDER}"
            place.mkdir(exist_ok=True)
            with (place / f"{number}.bin").open("wb") as file:
                file.write(b"%d" % number)
                file.truncate(SPARSE_FILE)
        subprocess.run(["sync", "-f", name], check=True)
        folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        try:
            begun = time.monotonic()
            _sampled(folder)
            return time.monotonic() - begun
        finally:
            os.close(folder)
