"""A spool and an uplink on a small file system that somebody else has filled."""

import contextlib
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.spool import SpoolFull
from agent.uplink import Pause
from tests.support.certificates import make_authority
from tests.support.recording_collector import RecordingCollector
from tests.support.spools import record
from tests.support.uplinks import Stage, set_stage


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "wardwatch-test", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted (needs root): {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[RecordingCollector]:
    running = RecordingCollector(make_authority(tmp_path / "ca"))
    yield running
    running.close()


@pytest.fixture
def stage(small_disk: Path, collector: RecordingCollector) -> Iterator[Stage]:
    made = set_stage(small_disk / "state", collector)
    made.uplink.step()
    yield made
    made.transport.close()
    made.spool.close()


def fill(folder: Path) -> Path:
    """Takes every byte that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as hog, contextlib.suppress(OSError):
        while True:
            hog.write(b"x" * 4096)
    return filler


def test_a_full_disk_refuses_and_takes_again_when_there_is_room(small_disk, stage):
    accepted = list(stage.spool.put([record("before")]))
    filler = fill(small_disk)

    refused = 0
    for _ in range(50):
        try:
            accepted += stage.spool.put([record(secrets.token_hex(20_000))])
        except SpoolFull:
            refused += 1
    filler.unlink()
    accepted += stage.spool.put([record("after")])

    assert refused > 0
    assert accepted == list(range(1, len(accepted) + 1))
    assert stage.spool.fill().waiting == len(accepted)


def test_what_was_kept_leaves_although_the_disk_stays_full(small_disk, stage, collector):
    for _ in range(300):
        stage.spool.put([record(secrets.token_hex(1_000))])
    fill(small_disk)

    idle = Pause(None, for_work=True)
    steps = [stage.uplink.step() for _ in range(60)]

    assert idle in steps
    assert len(collector.facts()) == 300
    assert collector.recorded.faults == []
