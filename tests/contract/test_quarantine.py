"""Infected files on real media, found by a real engine and moved to a real folder."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import hashlib
import os
import re
import select
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.commands import quarantine as command
from agent.config import Quarantine as Limits
from agent.config import Settings
from agent.media.quarantine import Finds
from agent.quarantine_acts import quarantine_acts
from agent.sensors.quarantine import QuarantineSensor
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.quarantine_store import FOLDER, QuarantineStore, Room
from checks.facts.media import MediumScanned
from checks.facts.quarantine import FilesQuarantined, QuarantineOpened
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.loopdev import loops, require_loop  # noqa: F401 - a fixture
from tests.support.held import Holding, Sticks, require_gate
from tests.support.held import ward as held_ward
from tests.support.watching import Watching

WANTED = "[scanning]\nquarantine = true\n"
SHA256 = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
PATIENCE = 20.0
ENOUGH = 8192
"""Octets of a tmpfs for a small content and its record: a page each, besides room for names."""
AMPLE = Room(most=1 << 24, keep_free=0)


class Ward:
    """An endpoint: the sensor that scans, and the one that moves."""

    def __init__(self, state, address, *, policy=WANTED, room=AMPLE, clinical=""):
        self.state, self.later_us = state, 0
        self.engine = Clamd(ScannerSettings(address), sockets=())
        self.finds = Finds()
        self.watching = Watching(address, policy=policy, finds=self.finds)
        self.sensor = QuarantineSensor(
            self.finds,
            QuarantineStore(state, room),
            state=state,
            salt=b"salt",
            wall_us=lambda: time.time_ns() // 1000 + self.later_us,
        )
        self.document = PolicyDocument(
            issued_at_us=0,
            policy=parse_policy(policy),
            endpoint=Endpoint(id="e", clinical=clinical),
        )
        self.descriptors = self.sensor.start(self.document)
        self.facts = list(self.sensor.heal())

    def scanned(self, loop, point, *options):
        self.watching.plug(loop)
        loop.mount(point, *options)
        return self.watching.until(MediumScanned)

    def told(self, kind=FilesQuarantined):
        """The next fact of this kind."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for fact in self.facts:
                if isinstance(fact, kind):
                    self.facts.remove(fact)
                    return fact
            select.select(self.descriptors, [], [], 0.5)
            self.facts += self.sensor.wake()
        raise AssertionError(f"no {kind.__name__}")

    def ends(self):
        return [one.end for one in self.told().files]

    def kept(self):
        return list(QuarantineStore(self.state, AMPLE).all())

    def stop(self):
        self.watching.sensor.stop()
        self.sensor.stop()


@pytest.fixture
def wards(tmp_path, clamd):
    made = []

    def make(state=None, **settings):
        folder = state or tmp_path / "state"
        folder.mkdir(exist_ok=True)
        made.append(Ward(folder, clamd.address, **settings))
        return made[-1]

    yield make
    for ward in made:
        ward.stop()


@pytest.fixture
def settings(tmp_path):
    return Settings(state_dir=str(tmp_path / "state"), quarantine=Limits(keep_free_bytes=0))


def names_on(point):
    return sorted(os.fsencode(path.name) for path in Path(point).iterdir())


def test_an_infected_file_is_moved_and_everything_else_stays(wards, loops, tmp_path):
    ward = wards()
    point = tmp_path / "mnt"
    loop = loops.make("bad", {"in/patient name.com": eicar(), "in/letter.txt": b"dear"})

    ward.scanned(loop, point)
    fact = ward.told()

    (file,) = fact.files
    assert (file.end, file.sha256, file.size) == ("moved", SHA256, len(eicar()))
    assert file.signature.startswith("Eicar-Test")
    assert "patient" not in repr(fact)
    assert names_on(point / "in") == [b"letter.txt"]
    (kept,) = ward.kept()
    assert kept.origins[0].path == b"in/patient name.com"
    assert kept.origins[0].key == fact.medium.key


def test_what_lies_in_quarantine_is_for_root_alone_and_no_engine_knows_it(wards, loops, tmp_path):
    ward = wards()
    ward.scanned(loops.make("bad", {"a.com": eicar()}), tmp_path / "mnt")
    ward.told()

    folder = ward.state / FOLDER
    content = folder / SHA256
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o400}
    assert eicar()[:20] not in content.read_bytes()
    session = ward.engine.session()
    descriptor = os.open(content, os.O_RDONLY)
    session.submit(descriptor)
    _, verdict = session.verdict()
    session.close()
    os.close(descriptor)
    assert verdict.finding == "clean"


def test_without_the_policy_s_word_nothing_is_moved(wards, loops, tmp_path):
    ward = wards(policy="")
    point = tmp_path / "mnt"

    assert ward.scanned(loops.make("bad", {"a.com": eicar()}), point).verdict == "infected"
    assert list(ward.sensor.heal()) == []

    assert names_on(point) == [b"a.com", b"lost+found"]
    assert not (ward.state / FOLDER).exists()


def test_hostile_names_are_moved_as_they_are_and_shown_as_signs(
    wards, loops, tmp_path, settings, capsys
):
    ward = wards()
    point = tmp_path / "mnt"
    loop = loops.make("names", {"f/x": b""})
    hostile = [b"a\nb\x1b[2Jc", b"\xff\xfe", b"..x", b"-rf", b"n" * 255]
    loop.mount(point)
    for name in hostile:
        Path(os.fsdecode(os.fsencode(point) + b"/" + name)).write_bytes(eicar())
    loop.unmount(point)

    ward.scanned(loop, point)

    assert ward.ends() == ["moved"] * len(hostile)
    assert names_on(point) == [b"f", b"lost+found"]
    (kept,) = ward.kept()
    assert sorted(origin.path for origin in kept.origins) == sorted(hostile)
    assert command.list_all(settings, as_json=False) == 0
    shown = capsys.readouterr().out
    assert "a?b?[2Jc" in shown
    assert len(shown.splitlines()) == 1 + len(hostile)


def test_a_medium_mounted_read_only_keeps_its_file(wards, loops, tmp_path):
    ward = wards()
    point = tmp_path / "mnt"

    ward.scanned(loops.make("ro", {"a.com": eicar()}), point, "ro")

    assert ward.ends() == ["read_only"]
    assert names_on(point) == [b"a.com", b"lost+found"]
    assert ward.kept() == []


def test_a_clinical_endpoint_takes_nothing_away(wards, loops, tmp_path):
    ward = wards(clinical="icu")
    point = tmp_path / "mnt"

    ward.scanned(loops.make("icu", {"a.com": eicar()}), point)

    assert ward.ends() == ["clinical"]
    assert b"a.com" in names_on(point)


def rewritten(path, content):
    """Other content with the same times and size."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced_by_a_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("/etc/hostname")


def with_the_folder_a_link(path):
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.symlink_to("moved")


def copied_over(path):
    before = path.stat()
    fresh = path.with_name("fresh")
    fresh.write_bytes(path.read_bytes())
    os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
    fresh.rename(path)


@pytest.mark.parametrize(
    ("meddle", "end"),
    [
        (lambda path: rewritten(path, b"x" * len(eicar())), "changed"),
        (lambda path: path.write_bytes(b"a new letter"), "changed"),
        (replaced_by_a_link, "changed"),
        (with_the_folder_a_link, "changed"),
        (copied_over, "changed"),
        (lambda path: (path.unlink(), path.mkdir()), "changed"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "changed"),
        (lambda path: path.unlink(), "gone"),
    ],
)
def test_what_changed_since_the_scan_is_left_alone(wards, loops, tmp_path, meddle, end):
    ward = wards()
    point = tmp_path / "mnt"
    ward.scanned(loops.make("meddled", {"d/a.com": eicar()}), point)

    meddle(point / "d" / "a.com")  # the one that moves was not woken yet
    before = sorted(os.walk(point))

    assert ward.ends() == [end]
    assert sorted(os.walk(point)) == before
    assert ward.kept() == []


def test_a_file_that_cannot_be_deleted_is_not_said_to_be_moved(wards, loops, tmp_path):
    ward = wards()
    point = tmp_path / "mnt"
    ward.scanned(loops.make("fixed", {"a.com": eicar()}), point)
    subprocess.run(["chattr", "+i", point / "a.com"], check=True)

    assert ward.ends() == ["unwritable"]
    subprocess.run(["chattr", "-i", point / "a.com"], check=True)
    assert b"a.com" in names_on(point)
    assert ward.kept() == []


def test_a_file_in_somebody_else_s_folder_is_deleted_as_that_person(wards, loops, tmp_path):
    ward = wards()
    point = tmp_path / "mnt"
    loop = loops.make("owned", {"d/a.com": eicar(), "shut/b.com": eicar()})
    loop.mount(point)
    for folder in ("d", "shut"):
        os.chown(point / folder, 12345, 12345)
    (point / "shut").chmod(0o555)
    loop.unmount(point)

    ward.scanned(loop, point)

    assert ward.ends() == ["moved", "unwritable"]
    assert names_on(point / "shut") == [b"b.com"]


UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "wardwatch-agent.service"


def as_the_service(*command):
    """Run with the capabilities that the shipped unit leaves, and no others."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed (util-linux)")
    line = re.search(r"^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert line
    kept = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in line[1].split())
    return subprocess.run(
        ["setpriv", f"--bounding-set=-all,{kept}", "--no-new-privs", sys.executable, *command],
        input="\n",
        capture_output=True,
        text=True,
        check=True,
        cwd=UNIT.parents[2],
    ).stdout.split()


@pytest.mark.parametrize(
    ("kind", "make", "options"),
    [
        ("vfat", ["mkfs.vfat"], ["-o", "uid=12345,gid=12345,dmask=077,fmask=177"]),
        ("exfat", ["mkfs.exfat"], ["-o", "uid=12345,gid=12345,dmask=077,fmask=177"]),
        ("ext4", ["mkfs.ext4", "-q", "-E", "root_owner=12345:12345"], []),
    ],
)
def test_with_the_rights_of_the_shipped_unit_a_user_s_file_is_moved(tmp_path, kind, make, options):
    require_loop()
    if shutil.which(make[0]) is None:
        pytest.skip(f"{make[0]} is not installed (dosfstools, exfatprogs)")
    image, point, state = tmp_path / "image", tmp_path / "mnt", tmp_path / "state"
    image.write_bytes(b"\0" * (16 << 20))
    point.mkdir()
    state.mkdir()
    subprocess.run([*make, image], check=True, capture_output=True)
    mounted = subprocess.run(
        ["mount", "-t", kind, "-o", "loop", *options, image, point],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"this kernel does not mount {kind}: {mounted.stderr.decode()}")
    try:
        (point / "a.com").write_bytes(eicar())

        said = as_the_service("-m", "tests.support.mover", point, state, SHA256, kind)

        assert said == ["ready", "moved"]
        assert b"a.com" not in names_on(point)
        assert [one.sha256 for one in QuarantineStore(state, AMPLE).all()] == [SHA256]
    finally:
        subprocess.run(["umount", point], check=True)


def test_the_same_content_is_kept_once_with_all_its_places(wards, loops, tmp_path):
    ward = wards()
    point = tmp_path / "mnt"
    loop = loops.make("twice", {"a.com": eicar(), "b.com": eicar()})
    loop.mount(point)
    os.link(point / "a.com", point / "c.com")
    loop.unmount(point)

    ward.scanned(loop, point)

    assert ward.ends() == ["moved"] * 3
    (kept,) = ward.kept()
    assert [origin.path for origin in kept.origins] == [b"a.com", b"b.com", b"c.com"]


def test_what_the_bound_does_not_admit_stays_on_the_medium(wards, loops, tmp_path):
    ward = wards(room=Room(most=4096, keep_free=0))
    point = tmp_path / "mnt"

    ward.scanned(loops.make("much", {"a.com": eicar()}), point)

    assert ward.ends() == ["full"]
    assert b"a.com" in names_on(point)
    assert ward.kept() == []


@pytest.fixture
def small_disk(tmp_path):
    require_loop()
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "wardwatch-test", str(folder)]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("left", [0, 4096, 8192, 12288, 20480])
def test_on_a_full_disk_nothing_is_lost_and_nothing_half_is_left(
    wards, loops, tmp_path, small_disk, left
):
    state = small_disk / "state"
    ward = wards(state)
    point = tmp_path / "mnt"
    ward.scanned(loops.make("full", {"a.com": eicar()}), point)
    free = os.statvfs(small_disk)
    (small_disk / "hog").write_bytes(b"h" * (free.f_bavail * free.f_frsize - left))

    (end,) = ward.ends()

    assert end == ("moved" if left >= ENOUGH else "full")
    assert (end == "moved") == (b"a.com" not in names_on(point))
    assert len(ward.kept()) == (end == "moved")
    names = [path.name for path in (state / FOLDER).glob("*")] if (state / FOLDER).exists() else []
    assert sorted(names) == ([SHA256, f"{SHA256}.json"] if end == "moved" else [])


def test_what_keeps_the_agent_s_reports_from_the_disk_is_not_taken(wards, loops, tmp_path):
    ward = wards(room=Room(most=1 << 24, keep_free=1 << 50))

    ward.scanned(loops.make("reserve", {"a.com": eicar()}), tmp_path / "mnt")

    assert ward.ends() == ["full"]


def test_a_move_that_was_broken_off_leaves_nothing_behind_at_the_next_start(wards, tmp_path):
    folder = tmp_path / "state" / FOLDER
    folder.mkdir(parents=True)
    (folder / f".{SHA256}.taking").write_bytes(b"half")
    (folder / SHA256).write_bytes(b"whole, and nobody noted from where")
    (folder / f"{SHA256.replace('2', '3')}.json").write_bytes(b"of what was deleted")

    ward = wards()

    assert list(folder.iterdir()) == []
    assert ward.kept() == []


def test_a_damaged_content_is_taken_anew(wards, loops, tmp_path):
    ward = wards()
    loop = loops.make("again", {"a.com": eicar(), "b.com": eicar()})
    ward.scanned(loop, tmp_path / "mnt")
    ward.told()
    content = ward.state / FOLDER / SHA256
    content.chmod(0o600)
    content.write_bytes(b"damaged")
    other = loops.make("other", {"c.com": eicar()})
    ward.watching.plug(other, serial="S2")
    other.mount(tmp_path / "two")
    ward.watching.until(MediumScanned, mount_point=str(tmp_path / "two"))

    assert ward.ends() == ["moved"]
    target = tmp_path / "out"
    QuarantineStore(ward.state, AMPLE).restore(SHA256, target)
    assert target.read_bytes() == eicar()


def test_a_medium_that_was_unmounted_before_keeps_its_file(wards, loops, tmp_path):
    ward = wards()
    point = tmp_path / "mnt"
    loop = loops.make("away", {"a.com": eicar()})
    ward.scanned(loop, point)
    loop.unmount(point)
    ward.watching.turn()

    assert ward.ends() == ["gone"]
    loop.mount(point)
    assert b"a.com" in names_on(point)


@pytest.fixture
def sticks():
    made = Sticks()
    yield made
    made.end()


def test_of_a_held_medium_it_is_told_that_nothing_is_moved(wards, loops, sticks, tmp_path, clamd):
    ward = wards()
    with held_ward(tmp_path) as kept_out:
        require_gate(kept_out)
        holding = Holding(kept_out, tmp_path, clamd.address, finds=ward.finds)
        node = sticks.insert(loops.make("held", {"a.com": eicar()}))
        holding.plug(node)
        holding.until(action="kept", ground="infected")

        assert ward.ends() == ["held"]
        assert not kept_out.reads(node)
        holding.sensor.stop()
    assert ward.kept() == []


def test_restore_writes_a_new_file_and_delete_forgets_it_and_both_are_told(
    wards, loops, tmp_path, settings, capsys
):
    ward = wards()
    ward.scanned(loops.make("bad", {"a.com": eicar()}), tmp_path / "mnt")
    ward.told()
    target = tmp_path / "evidence"

    assert command.restore(settings, SHA256[:8], target) == 0
    restored = ward.told(QuarantineOpened)
    assert command.restore(settings, SHA256, target) == 2
    assert command.delete(settings, SHA256) == 0
    deleted = ward.told(QuarantineOpened)
    assert command.delete(settings, SHA256) == 2

    assert hashlib.sha256(target.read_bytes()).hexdigest() == SHA256
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert (restored.action, restored.sha256, deleted.action) == ("restored", SHA256, "deleted")
    assert restored.actor
    assert ward.kept() == []
    assert list(ward.sensor.heal()) == []
    assert len(quarantine_acts(ward.state).waiting()) == 2
    ward.later_us = 61 * 10**6
    assert list(ward.sensor.heal()) == []
    assert quarantine_acts(ward.state).waiting() == []
    assert "is there already" in capsys.readouterr().err


def test_a_short_hash_and_a_link_as_target_are_refused(wards, loops, tmp_path, settings):
    ward = wards()
    ward.scanned(loops.make("bad", {"a.com": eicar()}), tmp_path / "mnt")
    ward.told()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")

    assert command.restore(settings, SHA256[:7], tmp_path / "out") == 2
    assert command.restore(settings, SHA256, link) == 2

    assert not (tmp_path / "nowhere").exists()
    assert quarantine_acts(ward.state).waiting() == []
