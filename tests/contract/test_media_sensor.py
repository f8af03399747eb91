"""The media sensor on the real kernel: loop devices, mounts, fanotify, clamd, FUSE apart.

Devices come from recorded udev data; everything else is real.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
import subprocess
from pathlib import Path

import pytest

from checks.facts.base import UnknownProcess
from checks.facts.health import SensorGap
from checks.facts.media import (
    MediumAccessed,
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumScanned,
    MediumUnmounted,
    ScannerState,
)
from tests.clamd import clamd, eicar, make_clamd  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.watching import Watching
from tests.udev_recordings import disk


@pytest.fixture
def watching(clamd):
    watching = Watching(clamd.address)
    yield watching
    watching.sensor.stop()


def read_as_a_user(path):
    subprocess.run(["cat", path], check=True, capture_output=True)


def test_a_clean_stick_from_plug_to_unplug(watching, loops, tmp_path):
    loop = loops.make("clean", {"letter.txt": b"nothing", "folder/note.md": b"x" * 70000})
    point = tmp_path / "mnt"
    device = watching.plug(loop)
    watching.until(MediumAttached)
    loop.mount(point)
    watching.until(MediumMounted, mount_point=str(point))
    scanned = watching.until(MediumScanned)
    loop.unmount(point)
    watching.until(MediumUnmounted)
    watching.devices.happens("remove", device)
    watching.until(MediumDetached)

    assert (scanned.verdict, scanned.files, scanned.bytes) == ("clean", 2, 70007)
    assert (scanned.engine, scanned.signatures) == ("ClamAV 1.4.6", "27000")
    assert scanned.medium.serial == "S1"
    assert watching.of(MediumAccessed) == []
    assert len(watching.of(MediumScanned)) == 1


def test_an_infected_file_is_named_by_hash_only(watching, loops, tmp_path):
    loop = loops.make("bad", {"patient name.com": eicar(), "b.txt": b"b"})
    watching.plug(loop)
    loop.mount(tmp_path / "mnt")

    scanned = watching.until(MediumScanned)

    assert scanned.verdict == "infected"
    (infection,) = scanned.infections
    assert infection.signature.startswith("Eicar-Test")
    assert infection.sha256.startswith("275a021bbfb6489e54d471899f7db9d1")
    assert infection.file_name == ""
    assert "patient" not in repr(watching.facts)


def test_a_file_is_told_when_somebody_else_opens_it(watching, loops, tmp_path):
    loop = loops.make("used", {"a.PDF": b"a"})
    point = tmp_path / "mnt"
    watching.plug(loop)
    loop.mount(point)
    watching.until(MediumScanned, verdict="clean")
    list(point.iterdir())
    watching.turn()
    subprocess.run(["ls", "-la", point], check=True, capture_output=True)
    listing = watching.of(MediumAccessed)
    reader = subprocess.Popen(["tail", "-f", point / "a.PDF"], stdout=subprocess.DEVNULL)
    accessed = watching.until(MediumAccessed)
    reader.kill()
    reader.wait()
    subprocess.run(["sh", "-c", f"echo x > {point}/new"], check=True)
    written = watching.until(MediumAccessed, operation="write")

    assert listing == []
    assert (accessed.operation, accessed.scan, accessed.suffix) == ("open", "clean", "pdf")
    assert accessed.process.pid == reader.pid
    assert accessed.process.name == "tail"
    assert accessed.mount_point == str(point)
    assert written.file_hash != accessed.file_hash


def test_access_through_another_mount_namespace_counts(watching, loops, tmp_path):
    loop = loops.make("ns", {"a.txt": b"a"})
    point = tmp_path / "mnt"
    watching.plug(loop)
    loop.mount(point)
    watching.until(MediumScanned)
    private = f"mount --make-rprivate / && mount --bind {point} /mnt && cat /mnt/a.txt"

    subprocess.run(["unshare", "-m", "sh", "-c", private], check=True, capture_output=True)

    watching.until(MediumAccessed, operation="open")


def test_a_file_that_was_open_before_the_mark_is_found(watching, loops, tmp_path):
    loop = loops.make("early", {"a.txt": b"a"})
    point = tmp_path / "mnt"
    loop.mount(point)
    reader = subprocess.Popen(["tail", "-f", point / "a.txt"], stdout=subprocess.PIPE)
    assert reader.stdout.read(1) == b"a"

    watching.plug(loop)
    accessed = watching.until(MediumAccessed)
    reader.kill()
    reader.wait()
    reader.stdout.close()

    assert (accessed.operation, accessed.process.pid) == ("open", reader.pid)


def test_a_file_that_was_read_before_the_mark_is_told_as_read_before_the_watch(
    watching, loops, tmp_path
):
    loop = loops.make("quick", {"a.txt": b"a"})
    point = tmp_path / "mnt"
    watching.plug(loop)
    loop.mount(point)  # heard of with the next turn of the loop only
    assert (point / "a.txt").read_bytes() == b"a"

    accessed = watching.until(MediumAccessed)

    assert (accessed.operation, accessed.scan) == ("open", "not_started")
    assert accessed.process == UnknownProcess(why="before_watch")


def test_a_stick_that_was_mounted_before_the_start_is_found(clamd, loops, tmp_path):
    loop = loops.make("cold", {"a.txt": b"a"})
    loop.mount(tmp_path / "mnt")
    watching = Watching(clamd.address)
    watching.plug(loop)

    watching.until(MediumScanned, verdict="clean")
    watching.sensor.stop()

    order = [type(fact).__name__ for fact in watching.facts]
    assert order == ["ScannerState", "MediumAttached", "MediumMounted", "MediumScanned"]


def test_a_second_mount_of_the_same_stick_is_told_but_not_scanned_again(
    watching,
    loops,
    tmp_path,
):
    loop = loops.make("twice", {"a.txt": b"a"})
    watching.plug(loop)
    loop.mount(tmp_path / "one")
    watching.until(MediumScanned)
    (tmp_path / "two").mkdir()
    subprocess.run(["mount", "--bind", tmp_path / "one", tmp_path / "two"], check=True)
    watching.until(MediumMounted, mount_point=str(tmp_path / "two"))
    subprocess.run(["umount", tmp_path / "two"], check=True)
    watching.until(MediumUnmounted, mount_point=str(tmp_path / "two"))

    assert len(watching.of(MediumScanned)) == 1


def test_without_an_engine_a_stick_is_not_scanned_until_one_is_there(loops, tmp_path):
    folder = Path("/tmp") / f"ww-late-{os.getpid()}"
    late = make_clamd(folder)
    watching = Watching(late.address)
    loop = loops.make("late", {"a.txt": b"a"})
    watching.plug(loop)
    loop.mount(tmp_path / "mnt")
    absent = watching.until(MediumScanned)
    late.start()
    scanned = watching.until(MediumScanned, verdict="clean")
    late.kill()
    watching.sensor.stop()
    subprocess.run(["rm", "-rf", folder], check=True)

    assert (absent.verdict, absent.reason, absent.skipped) == ("not_scanned", "engine_absent", {})
    assert scanned.signatures == "27000"
    assert [state.available for state in watching.of(ScannerState)] == [False, True]


def test_unmounting_is_not_held_up_by_a_scan(watching, loops, tmp_path):
    files = {f"{number}.bin": os.urandom(40000) for number in range(250)}
    loop = loops.make("busy", files)
    point = tmp_path / "mnt"
    watching.plug(loop)
    loop.mount(point)
    watching.until(MediumMounted)
    while next(watching.sensor._mounting.all()).scan == "not_started":
        watching.turn(0.02)

    loop.unmount(point)

    scanned = watching.until(MediumScanned)
    watching.until(MediumUnmounted)
    assert scanned.verdict in ("incomplete", "clean")
    assert scanned.verdict == "clean" or scanned.reason == "gone"


def test_a_stick_pulled_during_its_scan_is_incomplete(watching, loops, tmp_path):
    files = {f"{number}.bin": os.urandom(40000) for number in range(250)}
    loop = loops.make("pulled", files)
    device = watching.plug(loop)
    loop.mount(tmp_path / "mnt")
    watching.until(MediumMounted)

    watching.devices.happens("remove", device)

    scanned = watching.until(MediumScanned)
    watching.until(MediumDetached)
    assert (scanned.verdict, scanned.reason) == ("incomplete", "gone")


def test_a_fixed_disk_is_left_alone(watching, loops, tmp_path):
    loop = loops.make("fixed", {"a.txt": b"a"})
    watching.devices.happens("add", disk("sda", ID_BUS="ata", number=loop.number))
    loop.mount(tmp_path / "mnt")
    read_as_a_user(tmp_path / "mnt" / "a.txt")
    watching.turn()
    watching.turn()

    assert [fact for fact in watching.facts if not isinstance(fact, ScannerState)] == []


def test_a_flood_of_writes_is_told_once_and_loses_nothing_silently(
    watching,
    loops,
    tmp_path,
):
    loop = loops.make("flood")
    point = tmp_path / "mnt"
    watching.plug(loop)
    loop.mount(point)
    watching.until(MediumScanned)
    script = f"for n in $(seq 300); do echo x > {point}/$n; done"
    subprocess.run(["sh", "-c", script], check=True)
    watching.until(MediumAccessed, operation="write")
    watching.turn()

    operations = [fact.operation for fact in watching.of(MediumAccessed)]
    assert sorted(operations) == ["open", "write"]
    assert watching.of(SensorGap) == []
