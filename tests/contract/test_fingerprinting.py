"""Marks on a real file system: what shows, whatever was restored afterwards."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
from pathlib import Path

import pytest

from agent.system.boot_area import boot_mark
from agent.system.file_marks import Reading
from agent.system.fingerprinting import Bounds, Unmarkable, marks_below
from tests.loopdev import loops  # noqa: F401 - a fixture

LARGE = 200_000
FILES = {"small.txt": b"a" * 900, "deep/er/large.bin": b"b" * LARGE, "empty": b""}


def marks(folder, **how):
    reading = Reading(**{"secret": b"s" * 32, "filesystem": "ext4", **how})
    found = {}
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        marks_below(
            descriptor, reading, Bounds(), lambda path, mark, _: found.__setitem__(path, mark)
        )
    finally:
        os.close(descriptor)
    return found


def changed(before, after):
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


@pytest.fixture
def stick(loops, tmp_path):
    loop = loops.make("marked", FILES)
    loop.mount(tmp_path / "mnt")
    return loop, tmp_path / "mnt"


def alter(path, at):
    """One octet, with modification and access time put back."""
    seen = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"!")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (seen.st_size, seen.st_mtime_ns)


def test_nothing_changes_over_a_second_insertion(stick):
    loop, point = stick
    before, boot = marks(point), boot_mark(loop.number, "ext4")
    loop.unmount(point)
    loop.mount(point)

    assert set(before) == {os.fsencode(name) for name in FILES}
    assert marks(point) == before
    assert boot_mark(loop.number, "ext4") == boot != b""


@pytest.mark.parametrize("filesystem", ["ext4", "vfat"])
@pytest.mark.parametrize("name", ["small.txt", "deep/er/large.bin"])
def test_one_octet_shows_though_size_and_times_were_restored(stick, filesystem, name):
    _, point = stick
    before = marks(point, filesystem=filesystem)

    alter(point / name, 517)

    assert changed(before, marks(point, filesystem=filesystem)) == {os.fsencode(name)}


def test_strict_marks_show_what_no_time_tells(stick):
    """As a file system without change times would show it."""
    _, point = stick
    before = marks(point, filesystem="vfat", strict=True)

    alter(point / "deep/er/large.bin", LARGE // 2)

    after = marks(point, filesystem="vfat", strict=True)
    assert changed(before, after) == {b"deep/er/large.bin"}


def test_new_renamed_and_removed_files_show(stick):
    _, point = stick
    before = marks(point)
    (point / "new").write_bytes(b"n")
    (point / "small.txt").rename(point / "other.txt")
    (point / "empty").unlink()

    assert changed(before, marks(point)) == {b"new", b"small.txt", b"other.txt", b"empty"}


def test_marks_of_another_secret_are_others(stick):
    _, point = stick

    assert changed(marks(point), marks(point, secret=b"t" * 32)) == {
        os.fsencode(name) for name in FILES
    }


def test_a_boot_sector_that_was_written_shows(stick):
    loop, point = stick
    boot = boot_mark(loop.number, "ext4")
    loop.unmount(point)
    with Path(loop.node).open("r+b") as device:
        device.write(b"virus")
    loop.mount(point)

    assert boot_mark(loop.number, "ext4") != boot


@pytest.mark.parametrize("ending", ["stopped", "timeout", "special"])
def test_marks_that_are_not_all_are_none(stick, ending):
    _, point = stick
    if ending == "special":
        os.mkfifo(point / "pipe")
    bounds = Bounds(
        seconds=-1.0 if ending == "timeout" else 60.0, stopped=lambda: ending == "stopped"
    )
    descriptor = os.open(point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(Unmarkable, match=ending):
            marks_below(
                descriptor,
                Reading(secret=b"s" * 32, filesystem="ext4"),
                bounds,
                lambda *_: None,
            )
    finally:
        os.close(descriptor)


def test_a_link_out_of_the_medium_is_not_followed(stick, tmp_path):
    _, point = stick
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"s")
    (point / "folder").symlink_to(outside)
    (point / "file").symlink_to(outside / "secret")

    assert set(marks(point)) == {os.fsencode(name) for name in FILES}
