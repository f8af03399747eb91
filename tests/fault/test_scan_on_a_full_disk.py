"""The disk of the agent's spool is full while a medium is scanned: nothing that the scan found is
lost, and it is told as soon as there is room.
"""

import contextlib
import subprocess

import pytest

from tests.clamd import clamd, eicar  # noqa: F401 - a fixture
from tests.loopdev import loops  # noqa: F401 - a fixture
from tests.recorded_udev import STICK, RecordedUdev
from tests.support.live import running, until

POLICY = """
[[zones]]
name = "all of this machine's own traffic is none of this test's business"
prefixes = ["0.0.0.0/0", "::/0"]
"""


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "agent" / "state"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "wardwatch-test", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted (needs root): {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Takes every byte that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as hog, contextlib.suppress(OSError):
        while True:
            hog.write(b"x" * 4096)
    return filler


def test_malware_found_on_a_full_disk_is_a_case_once_there_is_room(
    tmp_path,
    small_disk,
    loops,  # noqa: F811 - the fixture
    clamd,  # noqa: F811 - the fixture
):
    many = {f"folder/{number}.bin": b"%d" % number * 2000 for number in range(400)}
    device = loops.make("sick", {**many, "zz-invoice.exe": eicar()})
    with RecordedUdev() as udev:
        environment = {**udev.environment(), "WARDWATCH_SCANNER": clamd.address}
        with running(tmp_path, policy=POLICY, environment=environment) as (collector, agent):
            agent.watching("media")
            udev.plug(STICK, node=device.node, number=device.number, size=device.size)
            until(lambda: seen(collector, "medium_attached"), told="it was plugged in")
            filler = fill(small_disk)

            device.mount(tmp_path / "stick")
            until(
                lambda: "No space" in agent.said(),
                told=lambda: f"the full disk is met: {agent.said()[-1500:]}",
            )
            assert seen(collector, "medium_scanned") == []
            filler.unlink()

            case = collector.case("MED-05", seconds=30)

    assert case["severity"] == "critical"


def seen(collector, kind):
    return collector.get("/api/v1/observations", kind=kind).json()["observations"]
