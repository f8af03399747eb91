"""The agent is killed while it moves an infected file away: it is there, or here, whole."""

import hashlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.system.quarantine_store import QuarantineStore, Room
from tests.loopdev import make_loop

ROOT = Path(__file__).parents[2]
AMPLE = Room(most=1 << 26, keep_free=0)
BODY = random.Random(7).randbytes(3 << 20)
SHA256 = hashlib.sha256(BODY).hexdigest()
KILLS = 25


def test_killed_at_any_moment_the_file_is_on_the_medium_or_whole_in_quarantine(tmp_path):
    point, chance = tmp_path / "mnt", random.Random(3)
    loop = make_loop(tmp_path, "bad", {"a.com": BODY})
    loop.mount(point)
    left, moved = 0, 0
    try:
        whole = _seconds_of_a_move(point, tmp_path / "first")
        for turn in range(KILLS):
            (point / "a.com").write_bytes(BODY)
            state = tmp_path / f"state{turn}"
            _move_and_kill(point, state, after=chance.uniform(0, 2 * whole))
            there = (point / "a.com").exists()
            store = QuarantineStore(state, AMPLE)
            store.tidy()
            kept = list(store.all())
            if there:
                assert (point / "a.com").read_bytes() == BODY
                left += 1
            else:
                store.restore(kept[0].sha256, state / "out")
                assert (state / "out").read_bytes() == BODY
                assert kept[0].origins[0].path == b"a.com"
                moved += 1
            assert not list((state / "quarantine").glob(".*"))
    finally:
        loop.release()
    assert left, "no kill came before the end of a move"
    assert moved, "no kill came after it"


def _seconds_of_a_move(point: Path, state: Path) -> float:
    with _mover(point, state) as child:
        began = time.monotonic()
        _begin(child)
        assert child.stdout is not None
        assert child.stdout.readline() == b"moved\n"
        return time.monotonic() - began


def _move_and_kill(point: Path, state: Path, *, after: float) -> None:
    with _mover(point, state) as child:
        _begin(child)
        threading.Event().wait(after)


def _begin(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.write(b"\n")
    child.stdin.flush()


@contextmanager
def _mover(point: Path, state: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ready to move; killed at the end."""
    state.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.mover", str(point), str(state), SHA256, "ext4"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        try:
            yield child
        finally:
            child.kill()
