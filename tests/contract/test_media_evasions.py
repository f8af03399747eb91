"""What somebody at an endpoint can try to use a medium that was not scanned, or not whole: real file
systems behind loop devices, a real clamd, other processes that do the harm.
"""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import ctypes
import os
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from agent.system.clamd import Clamd, ScannerSettings
from checks.facts.media import MediumAccessed, MediumScanned, MediumUnmounted
from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.support.watching import PATIENCE, Watching

WAITING_READER = """
import sys
print("ready", flush=True)
for path in sys.stdin:
    open(path.rstrip(), "rb").read()
    print("read", flush=True)
"""
"""Reads each file that is named on its standard input, and says so."""


class Turnstile:
    """The real engine, that takes one file and keeps whoever brings the second waiting until
    `opened`: `reached` is set while somebody waits.
    """

    def __init__(self, address: str) -> None:
        self._engine = Clamd(ScannerSettings(address), sockets=())
        self._brought = 0
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def session(self):
        session = self._engine.session()
        submit = session.submit

        def waiting(descriptor):
            self._brought += 1
            if self._brought == 2:
                self.reached.set()
                assert self.opened.wait(PATIENCE)
            return submit(descriptor)

        session.submit = waiting
        return session


class Reader:
    """Somebody's program in a mount namespace of its own, as an ordinary user can have one."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [
                *("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"),
                *(sys.executable, "-c", WAITING_READER),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout.readline() == "ready\n"

    def read(self, path) -> None:
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "read\n"

    def end(self) -> None:
        self._process.communicate()


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def run(*words):
    subprocess.run(words, check=True, capture_output=True)


def watched(stack, clamd, engine=None):
    watching = Watching(clamd.address, engine=engine)
    stack.callback(watching.sensor.stop)
    return watching


def halfway(stack, clamd, loops, tmp_path, files):
    """A scan that has been through folder `a`, and waits before the file `m`."""
    gate = Turnstile(clamd.address)
    stack.callback(gate.opened.set)
    watching = watched(stack, clamd, gate)
    stick = loops.make("halfway", {"a/1.txt": b"1", "m.txt": b"2", **files})
    watching.plug(stick)
    stick.mount(tmp_path / "mnt")
    while not gate.reached.is_set():
        watching.turn(0.05)
    return watching, gate, tmp_path / "mnt"


def moved(point):
    run("mv", f"{point}/z/bad.com", f"{point}/a/bad.com")


def moved_with_its_folder(point):
    run("mv", f"{point}/z", f"{point}/a/z")


def linked(point):
    run("ln", f"{point}/z/bad.com", f"{point}/a/bad.com")
    run("rm", f"{point}/z/bad.com")


@pytest.mark.parametrize("hide", [moved, moved_with_its_folder, linked])
def test_what_is_put_behind_the_scan_while_it_runs_is_found(stack, clamd, loops, tmp_path, hide):
    watching, gate, point = halfway(stack, clamd, loops, tmp_path, {"z/bad.com": eicar()})

    hide(point)
    gate.opened.set()

    assert watching.until(MediumScanned).verdict == "infected"


def test_who_keeps_a_medium_mounted_where_nobody_sees_it_is_seen(stack, clamd, loops, tmp_path):
    watching, gate, point = halfway(stack, clamd, loops, tmp_path, {"z/bad.com": eicar()})
    reader = Reader()
    stack.callback(reader.end)

    run("umount", point)
    watching.until(MediumUnmounted)
    gate.opened.set()
    watching.until(MediumScanned, verdict="incomplete", reason="gone")
    reader.read(point / "z/bad.com")

    assert watching.until(MediumAccessed, scan="incomplete").operation == "open"


def test_who_let_go_of_a_medium_is_not_watched_any_longer(stack, clamd, loops, tmp_path):
    watching = watched(stack, clamd)
    stick = loops.make("pinned", {"a.txt": b"1"})
    watching.plug(stick)
    stick.mount(tmp_path / "mnt")
    watching.until(MediumScanned, verdict="clean")
    reader = Reader()
    stick.unmount(tmp_path / "mnt")
    watching.until(MediumUnmounted)
    reader.end()

    since = len(watching.facts)
    stick.mount(tmp_path / "mnt")
    watching.until(MediumScanned, since=since, verdict="clean")
    run("cat", f"{tmp_path}/mnt/a.txt")

    watching.until(MediumAccessed, since=since)
    assert len(watching.of(MediumAccessed)) == 1


def test_a_scan_of_a_part_is_no_scan_of_the_medium(stack, clamd, loops, tmp_path):
    """The only mount that shows at first is of one of its folders."""
    stick = loops.make("part", {"good/1.txt": b"1", "bad.com": eicar()})
    stick.mount(tmp_path / "whole")
    run(
        "mount", "--bind", tmp_path / "whole/good", (tmp_path / "part").mkdir() or tmp_path / "part"
    )
    stack.callback(run, "umount", "--lazy", tmp_path / "part")
    stick.unmount(tmp_path / "whole")
    watching = watched(stack, clamd)
    watching.plug(stick)

    assert watching.until(MediumScanned).verdict == "infected"


def test_a_folder_mounted_over_the_mount_point_hides_nothing(stack, clamd, loops, tmp_path):
    stick = loops.make("over", {"good/1.txt": b"1", "bad.com": eicar()})
    watching = watched(stack, clamd)
    watching.plug(stick)
    stick.mount(tmp_path / "mnt")
    run("mount", "--bind", tmp_path / "mnt/good", tmp_path / "mnt")
    stack.callback(run, "umount", "--lazy", tmp_path / "mnt")

    assert watching.until(MediumScanned).verdict == "infected"


def test_what_is_read_below_another_mount_on_its_point_is_seen(stack, clamd, loops, tmp_path):
    stick = loops.make("below", {"a.txt": b"1"})
    watching = watched(stack, clamd)
    watching.plug(stick)
    stick.mount(tmp_path / "mnt")
    (tmp_path / "too").mkdir()
    run("mount", "--bind", tmp_path / "mnt", tmp_path / "too")
    stack.callback(run, "umount", "--lazy", tmp_path / "too")
    run("mount", "-t", "tmpfs", "none", tmp_path / "mnt")
    stack.callback(run, "umount", "--lazy", tmp_path / "mnt")
    watching.turn(0.05)

    run("cat", f"{tmp_path}/too/a.txt")

    assert watching.until(MediumAccessed).operation == "open"


def in_a_namespace(script):
    run(
        *("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"),
        *("sh", "-ec", script),
    )


def test_what_is_read_through_an_overlay_is_seen(stack, clamd, loops, tmp_path):
    watching, gate, point = halfway(stack, clamd, loops, tmp_path, {"z/b.txt": b"3"})
    (tmp_path / "over").mkdir()
    (tmp_path / "empty").mkdir()

    in_a_namespace(
        f"mount -t overlay -o lowerdir={point}:{tmp_path}/empty none {tmp_path}/over;"
        f" cat {tmp_path}/over/z/b.txt"
    )
    gate.opened.set()
    watching.until(MediumScanned)

    assert [one.scan for one in watching.of(MediumAccessed)] == ["running"]


def fuse_that_claims(node, point):
    """A FUSE file system of an ordinary user, by name the medium's; root may not look into it."""
    point.mkdir()
    channel = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={channel},rootmode=40000,user_id=65534,group_id=65534".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mount(os.fsencode(node), os.fsencode(point), b"fuse", 6, options)
    assert done == 0, os.strerror(ctypes.get_errno())
    return channel


def test_a_file_system_that_only_claims_to_be_the_medium_hides_it_from_nobody(
    stack, clamd, loops, tmp_path
):
    stick = loops.make("claimed", {"bad.com": eicar()})
    watching = watched(stack, clamd)
    watching.plug(stick)
    stack.callback(os.close, fuse_that_claims(stick.node, tmp_path / "claims"))
    stack.callback(run, "umount", "--lazy", tmp_path / "claims")
    watching.until(MediumScanned, verdict="incomplete")

    stick.mount(tmp_path / "mnt")
    watching.until(MediumScanned, verdict="infected")
    run("cat", f"{tmp_path}/mnt/bad.com")

    assert watching.until(MediumAccessed).scan == "infected"
