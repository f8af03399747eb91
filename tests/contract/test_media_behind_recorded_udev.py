"""The whole media room in a process of its own: udev recorded, everything else real."""

# ruff: noqa: F811 - pytest names fixtures by their parameters
import json
import os
import select
import subprocess
import sys
import time

import pytest

from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.recorded_udev import STICK, RecordedUdev

PATIENCE = 20.0


def _may_enter(folder):
    try:
        os.listdir(folder)  # noqa: PTH208 - what is asked is whether it raises
    except PermissionError:
        return False
    return True


def facts_until(process, kind):
    """Facts told until one of this kind came."""
    told = []
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        assert ready, f"no {kind} after {told}"
        line = json.loads(process.stdout.readline())
        told.append(line.get("fact", line))
        if told[-1]["kind"] == kind:
            return told
    raise AssertionError(f"no {kind} after {told}")


def test_a_loop_device_that_udev_calls_a_stick_is_a_stick(clamd, loops, tmp_path):
    loop = loops.make("stick", {"a.txt": b"a", "bad.com": eicar()})
    with RecordedUdev() as udev:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.media_watcher", clamd.address],
            env={**os.environ, **udev.environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        facts_until(process, "ready")
        udev.plug(STICK, node=loop.node, number=loop.number, size=loop.size)
        attached = facts_until(process, "medium_attached")[-1]
        loop.mount(tmp_path / "mnt")
        mounted = facts_until(process, "medium_mounted")[-1]
        scanned = facts_until(process, "medium_scanned")[-1]
        loop.unmount(tmp_path / "mnt")
        facts_until(process, "medium_unmounted")
        udev.unplug(STICK, node=loop.node)
        facts_until(process, "medium_detached")
        process.stdin.close()
        process.wait(10)
        process.stdout.close()

    medium = attached["medium"]
    assert (medium["vendor"], medium["serial"], medium["bus"]) == (
        "Kingston",
        STICK.serial,
        "usb",
    )
    assert mounted["medium"]["key"] == medium["key"]
    assert mounted["partition"]["device"] == loop.node
    assert scanned["verdict"] == "infected"


def test_a_mount_outside_the_agents_own_mount_namespace_is_seen(clamd, loops, tmp_path):
    if not os.access("/proc/1/root", os.X_OK) or not _may_enter("/proc/1/root/"):
        pytest.skip("this machine lets nobody through /proc/1/root (CAP_SYS_PTRACE, LSM)")
    loop = loops.make("outer", {"a.txt": b"a", "sub/bad.com": eicar()})
    sandbox = ["unshare", "--mount", "--propagation", "private"]
    with RecordedUdev() as udev:
        process = subprocess.Popen(
            [*sandbox, sys.executable, "-m", "tests.media_watcher", clamd.address],
            env={**os.environ, **udev.environment()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        facts_until(process, "ready")
        udev.plug(STICK, node=loop.node, number=loop.number, size=loop.size)
        loop.mount(tmp_path / "mnt")
        mounted = facts_until(process, "medium_mounted")[-1]
        scanned = facts_until(process, "medium_scanned")[-1]
        subprocess.run(["cat", tmp_path / "mnt/sub/bad.com"], check=True, capture_output=True)
        accessed = facts_until(process, "medium_accessed")[-1]
        loop.unmount(tmp_path / "mnt")
        facts_until(process, "medium_unmounted")
        process.stdin.close()
        process.wait(10)
        process.stdout.close()

    assert mounted["mount_point"] == str(tmp_path / "mnt")
    assert scanned["verdict"] == "infected"
    assert accessed["scan"] == "infected"
    assert accessed["file_hash"] == scanned["infections"][0]["file_hash"]
