"""NTFS in hold mode where the kernel has no driver for it: ntfs-3g(8) and FUSE, the real ones."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.system.fuse_mount import NotMounted, mount_ntfs
from agent.system.private_mount import Unmountable, mount_privately
from agent.system.tree import files_below
from checks.facts.media import MediumScanned
from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.held import Holding, Sticks, require_gate, ward

LETTER, NAME = b"nothing", "Brief – 病历.txt"


@pytest.fixture
def kept_out(tmp_path):
    with ward(tmp_path) as made:
        require_gate(made)
        yield made


@pytest.fixture
def sticks():
    made = Sticks()
    yield made
    made.end()


@pytest.fixture
def ntfs(loops, tmp_path):
    """Makes sticks with NTFS and these files."""
    if shutil.which("ntfs-3g") is None or not Path("/dev/fuse").exists():
        pytest.skip("ntfs-3g is not installed, or this kernel has no FUSE")

    def make(name, files):
        loop = loops.make(name)
        subprocess.run(["mkntfs", "-F", "-Q", "-q", loop.node], check=True, capture_output=True)
        point = tmp_path / "filled"
        point.mkdir(exist_ok=True)
        subprocess.run(["ntfs-3g", loop.node, point], check=True)
        for path, content in files.items():
            (point / path).write_bytes(content)
        subprocess.run(["umount", point], check=True)
        return loop

    return make


def drivers_of(node):
    """Processes that serve this device."""
    return [
        folder.name
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and node.encode() in _arguments(folder)
    ]


def _arguments(folder):
    try:
        return (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def anybody(_process):
    """Where no gate is shut."""
    return contextlib.nullcontext()


def test_its_files_are_read_and_nobody_else_sees_the_mount(ntfs):
    loop = ntfs("letters", {NAME: LETTER, "b.txt": b"b"})
    before = Path("/proc/self/mountinfo").read_text("utf-8")

    mount = mount_ntfs(loop.node, anybody)
    found = {one.path: os.pread(one.descriptor, 99, 0) for one in files_below(mount.root)}
    flags = os.fstatvfs(mount.root).f_flag

    assert found == {NAME.encode(): LETTER, b"b.txt": b"b"}
    assert flags & os.ST_RDONLY
    assert flags & os.ST_NOSUID
    assert flags & os.ST_NODEV
    assert flags & os.ST_NOEXEC
    assert os.fstat(mount.root).st_dev == loop.number
    assert Path("/proc/self/mountinfo").read_text("utf-8") == before
    assert drivers_of(loop.node)
    mount.close()
    assert not drivers_of(loop.node)


def test_what_is_no_ntfs_is_told_and_leaves_no_process(loops):
    loop = loops.make("other")

    with pytest.raises(NotMounted, match="refused it: exit status"):
        mount_ntfs(loop.node, anybody)

    assert not drivers_of(loop.node)


def test_without_the_program_it_is_not_mounted(loops, monkeypatch):
    monkeypatch.setattr("agent.system.fuse_mount._DRIVER", "ntfs-4g")

    with pytest.raises(NotMounted, match="ntfs-4g is not installed"):
        mount_ntfs(loops.make("any").node, anybody)


def test_only_whom_the_keeper_lets_in_passes_the_gate(kept_out, sticks, loops):
    node = sticks.insert(loops.make("held", {"a": b"a"}))
    gate = kept_out.gate()
    gate.shut(frozenset(), cgroup=kept_out.descriptor)
    script = f"echo $$ > {kept_out.group}/cgroup.procs; echo there; read _; exec head -c 4 {node}"
    waiting = subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert waiting.stdout.readline() == b"there\n"
    with gate.passing(waiting.pid):
        assert not kept_out.reads(node)
        said, _ = waiting.communicate(b"\n", timeout=20)

    assert len(said) == 4
    assert not kept_out.reads(node)
    gate.close()


def test_a_clean_stick_is_released_and_an_infected_one_is_kept(
    kept_out, tmp_path, clamd, sticks, ntfs
):
    holding = Holding(kept_out, tmp_path, clamd.address)
    clean = sticks.insert(ntfs("clean", {NAME: LETTER}))
    holding.plug(clean)
    holding.until(action="released", ground="clean")
    scanned = holding.until_a(MediumScanned)
    bad = sticks.insert(ntfs("bad", {"a.com": eicar()}))
    holding.plug(bad, "S2")
    holding.until(action="kept", ground="infected")

    assert (scanned.verdict, scanned.files) == ("clean", 1)
    assert kept_out.reads(clean)
    assert not kept_out.reads(bad)
    assert not drivers_of(clean)
    holding.sensor.stop()
    assert not drivers_of(bad)


def test_the_kernels_own_driver_is_asked_first(ntfs):
    loop = ntfs("first", {"a": b"a"})
    drivers = Path("/proc/filesystems").read_text("ascii").split()
    if "ntfs3" in drivers or "ntfs" in drivers:
        mount_privately(loop.node, "ntfs").close()
    else:
        with pytest.raises(Unmountable, match="ntfs"):
            mount_privately(loop.node, "ntfs")
