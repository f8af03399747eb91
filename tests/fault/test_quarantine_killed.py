"""The agent is killed while it moves an infected file away: it is there, or here, whole."""

import hashlib
import os
import random
import subprocess
import sys
import threading
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
        for turn in range(KILLS):
            state = tmp_path / f"state{turn}"
            state.mkdir()
            _move_and_kill(point, state, after=chance.uniform(0, 0.06))
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
                (point / "a.com").write_bytes(BODY)
                moved += 1
            assert not list((state / "quarantine").glob(".*"))
    finally:
        loop.release()
    assert left + moved == KILLS


def _move_and_kill(point: Path, state: Path, *, after: float) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.mover", str(point), str(state), SHA256, "ext4"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    child.stdin.write(b"\n")
    child.stdin.flush()
    threading.Event().wait(after)
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()
