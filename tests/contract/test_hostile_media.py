"""Media made to harm whoever looks at them: real file systems behind loop devices, a real clamd."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import io
import os
import random
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import msgspec
import pytest

from agent.scan_command import scan_path
from agent.system.clamd import ScannerSettings
from checks.facts.media import MediumScanned
from tests.clamd import clamd, eicar, make_clamd  # noqa: F401 - a fixture
from tests.loopdev import MIB, LoopDevice, loops  # noqa: F401 - a fixture
from tests.support.watching import Watching

BOUND = 10.0
"""Seconds in which every one of these scans ends."""


A_MILLION = 150.0
"""Seconds for a million files."""
HELD_UP_AT_MOST = 1.0
"""Seconds of work between two looks at what else happens."""


def scanned(path, clamd):
    began = time.monotonic()
    report = scan_path(path, ScannerSettings(clamd.address))
    assert time.monotonic() - began < BOUND
    return report


def skipped(report):
    return sorted((one.path, one.reason) for one in report.skipped)


def image(loops, name, content, *, make=("mkfs.ext4", "-q", "-F", "-b", "4096"), size=32 * MIB):
    """`content` fills a folder that becomes the file system; its image, not attached."""
    folder = loops.folder / f"{name}.content"
    folder.mkdir()
    content(folder)
    path = loops.folder / f"{name}.img"
    with path.open("wb") as whole:
        whole.truncate(size)
    subprocess.run([*make, "-d", folder, path], check=True, capture_output=True)
    return path


def attached(loops, path):
    node = subprocess.run(
        ["losetup", "--find", "--show", path], check=True, capture_output=True, text=True
    ).stdout.strip()
    loops._made.append(LoopDevice(path, node))
    return loops._made[-1]


def mounted(loops, tmp_path, name, *options):
    loop = loops.make(name, {"a.txt": b"a"})
    loop.mount(tmp_path / "mnt", *options)
    return tmp_path / "mnt"


def test_a_folder_four_thousand_deep_is_left_out_and_said_so(loops, clamd, tmp_path):
    make = ("mkfs.ext4", "-q", "-F", "-b", "1024", "-N", "8192")
    loop = attached(loops, image(loops, "deep", lambda folder: (folder / "a").touch(), make=make))
    point = tmp_path / "mnt"
    loop.mount(point)
    here = os.open(point, os.O_RDONLY)
    for _ in range(4096):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)

    report = scanned(point, clamd)

    assert (report.verdict, report.files) == ("incomplete", 1)
    assert [one.reason for one in report.skipped] == ["too_deep"]


def test_a_sparse_file_of_eight_terabytes_is_too_large_at_once(loops, clamd, tmp_path):
    loop = attached(loops, image(loops, "sparse", lambda folder: (folder / "a").touch()))
    loop.mount(tmp_path / "mnt")
    with (tmp_path / "mnt" / "huge").open("wb") as huge:
        huge.truncate(8 << 40)

    began = time.monotonic()
    # As a medium: `scan PATH` would read all of it for its fingerprint.
    watching = Watching(clamd.address)
    watching.plug(loop)
    told = watching.until(MediumScanned)
    watching.sensor.stop()

    assert time.monotonic() - began < BOUND
    assert (told.verdict, told.skipped) == ("incomplete", {"too_large": 1})


def test_other_file_systems_and_loops_of_mounts_are_not_followed(loops, clamd, tmp_path):
    point = mounted(loops, tmp_path, "outer")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "bad.com").write_bytes(eicar())
    for name in ("other", "itself"):
        (point / name).mkdir()
    for source, name in ((outside, "other"), (point, "itself")):
        subprocess.run(["mount", "--bind", source, point / name], check=True)
    try:
        report = scanned(point, clamd)
    finally:
        for name in ("itself", "other"):
            subprocess.run(["umount", point / name], check=True)

    assert report.infected == ()
    assert ("other", "other_filesystem") in skipped(report)
    assert report.files <= 2


def test_a_name_that_leads_out_is_never_followed(loops, clamd, tmp_path):
    """Written into the image; no program could make it."""
    make = ("mkfs.ext4", "-q", "-F", "-b", "4096", "-O", "^metadata_csum,^dir_index")
    written = image(loops, "dots", lambda folder: (folder / "AAAAAAAAAA").touch(), make=make)
    body = written.read_bytes()
    assert b"AAAAAAAAAA" in body
    written.write_bytes(body.replace(b"AAAAAAAAAA", b"../../etcA"))
    loop = attached(loops, written)
    loop.mount(tmp_path / "mnt", "ro", "errors=continue")

    report = scanned(tmp_path / "mnt", clamd)

    assert (report.verdict, report.files) == ("incomplete", 0)
    assert {one.reason for one in report.skipped} <= {"unreadable", "gone"}


def test_unreadable_sectors_are_not_clean(loops, clamd, tmp_path):
    def content(folder):
        (folder / "small.txt").write_bytes(b"readable")
        (folder / "large.bin").write_bytes(random.Random(1).randbytes(12 * MIB))

    loop = attached(loops, image(loops, "broken", content))
    loop.mount(tmp_path / "mnt", "ro")
    os.truncate(loop.image, 9 * MIB)  # what lay behind cannot be read any more

    report = scanned(tmp_path / "mnt", clamd)

    assert report.verdict == "incomplete"
    assert ("large.bin", "unreadable") in skipped(report)


@pytest.mark.parametrize("depth", range(1, 11))
def test_malware_is_found_in_archives_within_archives(clamd, tmp_path, depth):
    content = eicar()
    for _ in range(depth):
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.zip", content)
        content = whole.getvalue()
    (tmp_path / "outer.zip").write_bytes(content)

    assert scanned(tmp_path, clamd).verdict == "infected"


def test_a_password_makes_it_incomplete_however_clamd_is_configured(clamd, tmp_path):
    with zipfile.ZipFile(tmp_path / "secret.zip", "w") as archive:
        archive.writestr("inner.txt", "x" * 100)
    locked = bytearray((tmp_path / "secret.zip").read_bytes())
    locked[6] |= 1  # general purpose flag of the local header: APPNOTE 4.4.4
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "secret.zip").write_bytes(locked)

    report = scanned(tmp_path, clamd)

    assert (report.verdict, skipped(report)) == ("incomplete", [("secret.zip", "encrypted")])


def test_a_bomb_ends_within_the_engines_limits_and_is_told(tmp_path):
    folder = Path("/tmp") / f"ww-bomb-{os.getpid()}"
    strict = make_clamd(folder, extra="AlertExceedsMax yes\nMaxScanSize 20M\nMaxFileSize 10M")
    strict.start()
    content = tmp_path / "content"
    content.mkdir()
    with zipfile.ZipFile(content / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"{number}", bytes(64 * MIB))
    try:
        report = scanned(content, strict)
    finally:
        strict.kill()
        shutil.rmtree(folder)

    assert (report.verdict, skipped(report)) == ("incomplete", [("bomb.zip", "limits_exceeded")])


KINDS = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-b", "4096", "-O", "^metadata_csum"),
    "vfat": ("mkfs.vfat",),
    "exfat": ("mkfs.exfat",),
    "ntfs3": ("mkfs.ntfs", "-q", "-F"),
    "udf": ("mkudffs",),
}
"""Kinds of file systems as the kernel calls them, and how one is made."""


def fuzzed(path, seed):
    """Four hundred octets that were not 0 are others."""
    drawn = random.Random(seed)
    whole = bytearray(path.read_bytes())
    left = 400
    while left:
        at = drawn.randrange(1024, len(whole))
        if whole[at]:
            whole[at] = drawn.randrange(256)
            left -= 1
    path.write_bytes(whole)


def mount_kind(kind, node, point, options):
    done = subprocess.run(
        ["mount", "-t", kind, "-o", options, node, point], check=False, capture_output=True
    )
    return done.returncode == 0


def require_kind(kind, tool):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    if f"\t{kind}\n" not in Path("/proc/filesystems").read_text("ascii"):
        pytest.skip(f"this kernel has no {kind}")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", KINDS)
def test_a_corrupt_file_system_is_refused_or_scanned_to_an_end(loops, clamd, tmp_path, kind, seed):
    require_kind(kind, KINDS[kind][0])
    path, point = tmp_path / "fuzzed.img", tmp_path / "mnt"
    point.mkdir()
    with path.open("wb") as whole:
        whole.truncate(16 * MIB)
    subprocess.run([*KINDS[kind], path], check=True, capture_output=True)
    loop = attached(loops, path)
    assert mount_kind(kind, loop.node, point, "rw")
    for number in range(40):
        (point / f"d{number % 5}").mkdir(exist_ok=True)
        (point / f"d{number % 5}" / f"{number}.bin").write_bytes(b"%d" % number * 1000)
    subprocess.run(["umount", point], check=True)
    subprocess.run(["losetup", "-d", loop.node], check=True)
    fuzzed(path, seed)
    again = attached(loops, path)
    options = "ro,errors=continue,noload" if kind == "ext4" else "ro"
    if not mount_kind(kind, again.node, point, options):
        return  # the kernel refused it: nobody can use it
    again._points.append(point)

    report = scanned(point, clamd)

    assert report.verdict in ("clean", "incomplete")


def test_a_corrupt_disc_is_refused_or_scanned_to_an_end(loops, clamd, tmp_path):
    require_kind("iso9660", "genisoimage")
    (tmp_path / "content").mkdir()
    for number in range(40):
        (tmp_path / "content" / str(number)).write_bytes(b"%d" % number * 1000)
    disc = tmp_path / "disc.iso"
    subprocess.run(["genisoimage", "-quiet", "-o", disc, tmp_path / "content"], check=True)
    fuzzed(disc, 1)
    loop = attached(loops, disc)
    (tmp_path / "mnt").mkdir()
    if not mount_kind("iso9660", loop.node, tmp_path / "mnt", "ro"):
        return  # the kernel refused it: nobody can use it
    loop._points.append(tmp_path / "mnt")

    assert scanned(tmp_path / "mnt", clamd).verdict in ("clean", "incomplete")


def test_another_medium_is_not_delayed_by_a_hostile_one(loops, clamd, tmp_path):
    make = ("mkfs.ext4", "-q", "-F", "-b", "1024", "-N", "21000")
    hostile = attached(loops, image(loops, "crowd", Path.stat, make=make, size=64 * MIB))
    hostile.mount(tmp_path / "hostile")
    for number in range(20_000):
        (tmp_path / "hostile" / str(number)).write_bytes(b"x")
    watching = Watching(clamd.address)
    watching.plug(hostile, serial="HOSTILE")
    other = loops.make("other", {"a.txt": b"a"})
    watching.plug(other, serial="OTHER")
    other.mount(tmp_path / "other")

    while not (told := watching.of(MediumScanned)):
        watching.turn()
    watching.sensor.stop()

    assert (told[0].medium.serial, told[0].verdict) == ("OTHER", "clean")


def test_a_million_empty_files_hold_up_nobody_and_are_all_looked_at(loops, clamd, tmp_path):
    make = ("mkfs.ext4", "-q", "-F", "-b", "1024", "-I", "128", "-N", "1010000")
    crowd = attached(loops, image(loops, "million", Path.stat, make=make, size=400 * MIB))
    crowd.mount(tmp_path / "mnt")
    for folder in range(100):
        (tmp_path / "mnt" / str(folder)).mkdir()
        here = os.open(tmp_path / "mnt" / str(folder), os.O_RDONLY)
        for number in range(10_000):
            os.mknod(str(number), 0o644, dir_fd=here)
        os.close(here)
    began = time.monotonic()
    watching = Watching(clamd.address)
    watching.plug(crowd)
    longest = 0.0
    while not (told := watching.of(MediumScanned)):
        before = time.thread_time()
        watching.turn()
        longest = max(longest, time.thread_time() - before)
    watching.sensor.stop()

    assert (told[0].verdict, told[0].files) == ("clean", 1_000_000)
    assert time.monotonic() - began < A_MILLION
    assert longest < HELD_UP_AT_MOST


def test_malware_under_a_name_that_is_no_text_is_found_and_told(loops, clamd, tmp_path):
    loop = loops.make("names", {"a.txt": b"a"})
    loop.mount(tmp_path / "mnt")
    for octet in (b"\xff", b"\n", b"\x1b"):
        with open(os.fsencode(tmp_path / "mnt") + b"/" + octet * 255, "wb") as bad:  # noqa: PTH123 - no text
            bad.write(eicar())
    watching = Watching(clamd.address)
    watching.plug(loop)

    told = watching.until(MediumScanned)
    watching.sensor.stop()

    assert (told.verdict, len(told.infections)) == ("infected", 3)
    assert msgspec.json.decode(msgspec.json.encode(told), type=MediumScanned) == told


def test_strange_names_pipes_nodes_and_second_names_hide_nothing_and_hold_nobody_up(
    loops, clamd, tmp_path
):
    point = mounted(loops, tmp_path, "strange")
    name = os.fsencode(point) + b"/" + b"\xff" * 255
    with open(name, "wb") as malware:  # noqa: PTH123 - Path has no bytes
        malware.write(eicar())
    os.link(name, point / "second")
    os.mkfifo(point / "pipe")
    os.mknod(point / "zero", 0o020666, os.makedev(1, 5))

    report = scanned(point, clamd)

    assert report.verdict == "infected"
    assert len(report.infected) == 2
    assert [left for left in skipped(report) if left[1] == "special"] == [
        ("pipe", "special"),
        ("zero", "special"),
    ]
