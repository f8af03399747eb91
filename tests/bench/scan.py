"""A full scan against `clamdscan --multiscan --fdpass`: the same tree on a real block device, each
by a clamd of its own whose clean-file cache is cold first and warm then, mounted anew before
each turn.  Also what a scan costs the agent, and who works beside it.
"""

import contextlib
import mmap
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event, Thread

import psutil

from agent.media.scan import Scan
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.kernel import read_at_idle_priority
from agent.system.pace import EnginePace, usage
from agent.system.tree import files_below
from tests.bench.figures import Figure
from tests.clamd import RealClamd, make_clamd
from tests.loopdev import LoopDevice, make_loop

A_FOLDER = 200
SIZES = range(5_000, 100_000, 47)
LARGE = 8 << 20
ROUNDS = {"small": 5, "large": 9}
"""Odd numbers: a turn takes 20 s with small files, 3 s with large ones."""
BUSY_SECONDS = 3.0
MIB = 1 << 20
_UNMOUNTED_WITHIN = 5.0

Scanner = Callable[[RealClamd, Path], float]


def measure(*, small: bool) -> list[Figure]:
    many, large = (1_000, 6) if small else (20_000, 24)
    figures = [
        *_against_the_peer("small", many, lambda number: SIZES[number * 7 % len(SIZES)]),
        *_against_the_peer("large", large, lambda _: LARGE),
    ]
    return [*figures, *_cost(1_000 if small else 5_000)]


def _against_the_peer(name: str, files: int, size: Callable[[int], int]) -> Iterator[Figure]:
    """Turns alternate, and who begins, so that whatever else the machine does meets both; the
    ratio is the median of those of the turns.
    """
    took: dict[str, list[float]] = {"ours cold": [], "ours warm": [], "cold": [], "warm": []}
    both = (("ours ", _ours), ("", _clamdscan))
    with (
        tempfile.TemporaryDirectory(prefix="ww-scan-") as folder,
        _medium(folder, files, size) as device,
    ):
        for turn in range(ROUNDS[name]):
            for who, scanner in both if turn % 2 else reversed(both):
                with _clamd(Path(folder) / f"{who.strip()}{turn}") as clamd:
                    for cache in ("cold", "warm"):
                        took[f"{who}{cache}"].append(_timed(device, clamd, scanner))
    for cache in ("cold", "warm"):
        own, peer = took[f"ours {cache}"], took[cache]
        ratios = sorted(theirs / mine for mine, theirs in zip(own, peer, strict=True))
        yield Figure(
            name=f"scan.full_ratio.{name}.{cache}",
            value=round(median(ratios), 2),
            unit="x",
            n=files,
            load=f"ours {median(own):.2f} s, {len(own)} turns: {ratios[0]:.2f} to {ratios[-1]:.2f}",
            peer=f"clamdscan --multiscan --fdpass {median(peer):.2f} s",
            ratio=round(median(ratios), 2),
        )


@contextmanager
def _medium(folder: str, files: int, size: Callable[[int], int]) -> Iterator[LoopDevice]:
    Path(folder).chmod(0o755)  # clamd has an account of its own
    room = sum(size(number) for number in range(files))
    device = make_loop(Path(folder), "medium", size=room * 5 // 4 + (64 << 20))
    point = Path(folder) / "mnt"
    try:
        device.mount(point)
        for number in range(files):
            place = point / f"{number // A_FOLDER}"
            place.mkdir(exist_ok=True)
            (place / f"{number}.bin").write_bytes(os.urandom(size(number)))
        device.unmount(point)
        yield device
    finally:
        device.release()


@contextmanager
def _clamd(folder: Path) -> Iterator[RealClamd]:
    clamd = make_clamd(folder)
    clamd.folder.mkdir()
    clamd.start()
    try:
        yield clamd
    finally:
        clamd.kill()


def _timed(device: LoopDevice, clamd: RealClamd, scanner: Scanner) -> float:
    point = device.image.parent / "mnt"
    device.mount(point)
    try:
        return scanner(clamd, point)
    finally:
        _unmount(device, point)


def _unmount(device: LoopDevice, point: Path) -> None:
    """clamd lets go of the last file a moment after its answer."""
    ends = time.monotonic() + _UNMOUNTED_WITHIN
    while time.monotonic() < ends:
        with contextlib.suppress(AssertionError):
            device.unmount(point)
            return
        Event().wait(0.05)
    raise AssertionError(f"{point} stays busy")


def _ours(clamd: RealClamd, point: Path) -> float:
    folder = os.open(point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        begun = time.monotonic()
        engine = Clamd(ScannerSettings(clamd.address))
        pace = EnginePace(lambda: usage(engine.pid()))
        outcome = Scan(engine, at_once=pace.at_once).run(files_below(folder))
        took = time.monotonic() - begun
    finally:
        os.close(folder)
    if outcome.verdict != "clean":
        raise AssertionError(outcome)
    return took


def _clamdscan(clamd: RealClamd, point: Path) -> float:
    options = ["--multiscan", "--fdpass", "--no-summary", "--infected"]
    configuration = clamd.folder / "clamd.conf"
    begun = time.monotonic()
    subprocess.run(
        ["clamdscan", *options, "-c", configuration, point], check=True, capture_output=True
    )
    return time.monotonic() - begun


def _cost(files: int) -> Iterator[Figure]:
    """Of a process that scans as the agent does, and what another one gets done meanwhile."""
    with (
        tempfile.TemporaryDirectory(prefix="ww-scan-") as folder,
        _medium(folder, files, lambda number: SIZES[number * 7 % len(SIZES)]) as device,
        _clamd(Path(folder) / "clamd") as clamd,
    ):
        point = Path(folder) / "mnt"
        device.mount(point)
        process = psutil.Process()
        before, peak, ended = process.memory_info().rss, [0], Event()

        def scan() -> None:
            read_at_idle_priority()
            _ours(clamd, point)
            ended.set()

        with _working() as turns:
            alone = _rate(turns, BUSY_SECONDS)
            thread = Thread(target=scan)
            thread.start()
            rates = []
            while not ended.is_set():
                rates.append(_rate(turns, 0.2))
                peak[0] = max(peak[0], process.memory_info().rss)
            thread.join()
        _unmount(device, point)
    yield Figure(
        name="scan.agent_rss_mb",
        value=round(max(0, peak[0] - before) / MIB, 1),
        unit="MB",
        n=files,
        load="growth while it scans",
    )
    yield Figure(
        name="scan.work_beside_share",
        value=round(sum(rates) / len(rates) / alone, 2),
        unit="",
        n=files,
        load=f"what one process gets done beside a scan, {os.cpu_count()} cores",
    )


@contextmanager
def _working() -> Iterator[Callable[[], int]]:
    """A busy process of its own; what it got done so far."""
    script = (
        "import hashlib, mmap, struct\n"
        "board = mmap.mmap(3, 8)\n"
        "turns = 0\n"
        "while True:\n"
        "    hashlib.sha256(bytes(100_000)).digest(); turns += 1\n"
        "    board[:] = struct.pack('q', turns)\n"
    )
    with tempfile.TemporaryFile() as file:
        file.truncate(8)
        with mmap.mmap(file.fileno(), 8) as board:
            command = ["sh", "-c", 'exec "$0" -c "$1" 3<&0', sys.executable, script]
            with subprocess.Popen(command, stdin=file) as process:
                yield lambda: int(struct.unpack("q", board[:])[0])
                process.kill()


def _rate(turns: Callable[[], int], seconds: float) -> float:
    """Turns a second."""
    before, since = turns(), time.monotonic()
    Event().wait(seconds)
    return (turns() - before) / (time.monotonic() - since)
