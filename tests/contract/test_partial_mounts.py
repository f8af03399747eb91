"""A medium of which only a part can be seen where it was mounted first: real mounts, real clamd."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import os
import subprocess
from pathlib import Path

import pytest

from agent.system.private_mount import mount_privately
from agent.system.tree import Skipped, files_below
from checks.facts.media import MediumScanned
from checks.facts.receipts import ReceiptIssued
from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.contract.test_hostile_media import attached
from tests.contract.test_receipts_at_work import ledger, ward  # noqa: F401 - fixtures
from tests.loopdev import MIB, loops  # noqa: F401 - a fixture

FILES = {"harmless/a.txt": b"a" * 500, "hidden/bad.com": eicar()}


def bound(source, point):
    point.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", source, point], check=True)


@pytest.fixture
def unmounting():
    points: list[Path] = []
    yield points
    for point in reversed(points):
        subprocess.run(["umount", "-l", point], check=False, capture_output=True)


def test_the_whole_is_scanned_where_a_part_is_mounted_beside_it(ward, loops, tmp_path, unmounting):
    loop = loops.make("beside", FILES)
    watching = ward("a").watching
    part = tmp_path / "part"
    loop.mount(tmp_path / "first")
    bound(tmp_path / "first/harmless", part)
    unmounting.append(part)
    loop.unmount(tmp_path / "first")
    loop.mount(tmp_path / "whole")  # stands behind the part in the table
    watching.plug(loop)

    assert watching.until(MediumScanned).verdict == "infected"


def test_a_folder_mounted_over_its_own_medium_hides_nothing_from_the_scan(
    ward, loops, tmp_path, unmounting
):
    loop = loops.make("over", FILES)
    watching = ward("a").watching
    point = tmp_path / "mnt"
    watching.plug(loop)
    loop.mount(point)
    bound(point / "harmless", point)
    unmounting.append(point)

    told = watching.until(MediumScanned)

    assert told.verdict != "clean"
    assert not watching.of(ReceiptIssued)


@pytest.fixture
def subvolumes(loops, tmp_path):
    """A btrfs whose default subvolume is a harmless one."""
    image = loops.folder / "btrfs.img"
    with image.open("wb") as whole:
        whole.truncate(128 * MIB)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True)
    loop = attached(loops, image)
    point = tmp_path / "made"
    loop.mount(point)
    for name, body in (("harmless", b"a"), ("hidden", eicar())):
        subprocess.run(["btrfs", "-q", "subvolume", "create", point / name], check=True)
        (point / name / "a.com").write_bytes(body)
    subprocess.run(["btrfs", "subvolume", "set-default", point / "harmless"], check=True)
    loop.unmount(point)
    return loop


def test_a_default_subvolume_hides_nothing_from_the_scan(ward, subvolumes, tmp_path):
    watching = ward("a").watching
    watching.plug(subvolumes)
    subvolumes.mount(tmp_path / "mnt")

    told = watching.until(MediumScanned)

    assert (told.verdict, told.skipped) == ("incomplete", {"other_filesystem": 2})


def test_a_default_subvolume_hides_nothing_from_the_scan_of_a_held_medium(subvolumes):
    whole = mount_privately(subvolumes.node, "btrfs")
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=whole.root)
    whole.close()
    try:
        names = {one.path for one in files_below(folder) if isinstance(one, Skipped)}
    finally:
        os.close(folder)

    assert names == {b"harmless", b"hidden"}  # as another file system each: incomplete
