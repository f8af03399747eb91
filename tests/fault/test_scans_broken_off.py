"""Scans that break off: the engine dies, is starved or exchanged, the medium is pulled out.

The media sensor on real mounts with a real clamd of its own.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
import shutil
import signal
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.media.scan import Scan
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.tree import files_below
from checks.facts.media import MediumScanned
from checks.facts.scan_late import ScanLate
from tests.clamd import make_clamd
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.samples import judged
from tests.support.watching import Watching

FILES = {f"{number}.bin": os.urandom(3000) for number in range(2500)}


@pytest.fixture
def own_clamd():
    folder = Path("/tmp") / f"ww-broken-{os.getpid()}"
    own = make_clamd(folder)
    own.start()
    yield own
    own.kill()
    shutil.rmtree(folder)


class SmallGroup(NamedTuple):
    """A control group in which nobody gets memory; `ends` counts whom the kernel killed."""

    folder: Path
    limit: str
    ends: str

    def join(self, pid):
        (self.folder / self.limit).write_text("4096")
        (self.folder / "cgroup.procs").write_text(str(pid))

    def killed(self):
        return "oom_kill 1" in (self.folder / self.ends).read_text()


@pytest.fixture
def small_group():
    root = Path("/sys/fs/cgroup")
    own = f"ww-small-{os.getpid()}"
    group = SmallGroup(root / own, "memory.max", "memory.events")  # version 2
    if not (root / "cgroup.controllers").exists():
        group = SmallGroup(root / "memory" / own, "memory.limit_in_bytes", "memory.oom_control")
    try:
        group.folder.mkdir()
    except OSError as refused:
        pytest.skip(f"no control group of our own: {refused}")
    if not (group.folder / group.limit).exists():
        group.folder.rmdir()
        pytest.skip("control groups here have no memory controller")
    yield group
    group.folder.rmdir()


@pytest.fixture
def watching(own_clamd):
    watching = Watching(own_clamd.address)
    yield watching
    watching.sensor.stop()


def begin(watching, loops, tmp_path, name):
    """A medium of which the engine has read a part."""
    loop = loops.make(name, FILES)
    device = watching.plug(loop)
    loop.mount(tmp_path / "mnt")
    running = watching.sensor._scans._running
    while not any(one.examination._scan._files for one in running.values()):
        watching.turn(0.001)
    return device


def rules(fact):
    return sorted({verdict.rule for verdict in judged(fact)} - {"MED-01"})


def test_a_killed_engine_leaves_it_incomplete_until_it_is_back(
    watching, own_clamd, loops, tmp_path
):
    begin(watching, loops, tmp_path, "killed")
    own_clamd.kill()
    broken = watching.until(MediumScanned)
    own_clamd.start()
    whole = watching.until(MediumScanned, verdict="clean")

    assert broken.verdict in ("incomplete", "not_scanned")
    assert broken.reason == "engine_lost"
    assert rules(broken) == (["MED-16"] if broken.files else ["MED-06"])
    assert (whole.files, whole.skipped) == (len(FILES), {})


def test_an_engine_that_is_out_of_memory_leaves_it_incomplete_until_it_is_back(
    watching, own_clamd, small_group, loops, tmp_path
):
    begin(watching, loops, tmp_path, "starved")
    small_group.join(own_clamd._process.pid)
    broken = watching.until(MediumScanned)
    was_killed = small_group.killed()
    own_clamd.kill()
    own_clamd.start()
    whole = watching.until(MediumScanned, verdict="clean")

    assert was_killed
    assert (broken.verdict, broken.reason) == ("incomplete", "engine_lost")
    assert rules(broken) == ["MED-16"]
    assert whole.files == len(FILES)


def test_an_engine_that_hangs_makes_the_scan_late(own_clamd, loops, tmp_path):
    policy = '[thresholds]\nscan_ends_within = "2s"'
    watching = Watching(own_clamd.address, policy=policy)
    begin(watching, loops, tmp_path, "hung")
    own_clamd._process.send_signal(signal.SIGSTOP)
    late = watching.until(ScanLate)
    own_clamd._process.send_signal(signal.SIGCONT)
    whole = watching.until(MediumScanned)
    watching.sensor.stop()

    assert (late.what, late.allowed) == ("not_finished", 2)
    assert rules(late) == ["MED-04"]
    assert whole.verdict == "clean"


def test_a_medium_pulled_out_in_mid_scan_is_told_once(watching, loops, tmp_path):
    device = begin(watching, loops, tmp_path, "pulled")

    watching.devices.happens("remove", device)
    gone = watching.until(MediumScanned)

    assert (gone.verdict, gone.reason) == ("incomplete", "gone")
    assert rules(gone) == ["MED-16"]
    assert len(watching.of(MediumScanned)) == 1


def test_signatures_loaded_in_mid_scan_leave_it_the_older_ones(own_clamd, tmp_path):
    engine = Clamd(ScannerSettings(own_clamd.address))
    before = engine.version()
    for name, body in FILES.items():
        (tmp_path / name).write_bytes(body)
    newer = make_clamd(
        Path(f"{own_clamd.folder}-newer"), signed_at=before.signatures_at_us // 1_000_000 + 600
    )
    newer.start()
    newer.kill()

    def exchanged_on_the_way(found):
        for number, file in enumerate(found):
            if number == 100:
                database = own_clamd.folder / "db" / "daily.cud"
                shutil.copy(newer.folder / "db" / "daily.cud", database)
                engine._ask(b"RELOAD")
                while engine.version() == before:
                    pass
            yield file

    opened = os.open(tmp_path, os.O_RDONLY)
    outcome = Scan(engine).run(exchanged_on_the_way(files_below(opened)))
    os.close(opened)
    shutil.rmtree(newer.folder)

    assert engine.version().signatures_at_us == before.signatures_at_us + 600_000_000
    assert (outcome.verdict, outcome.files, outcome.version) == ("clean", len(FILES), before)
