"""From the mount of a medium to its case in the API, with recorded udev data before a real
loop device; agent and collector on this machine.
"""

import tempfile
import threading
import time
from pathlib import Path

from tests.bench.detect import LOAD, PAUSE_S, POLL_S
from tests.bench.figures import Figure, latency
from tests.loopdev import make_loop
from tests.recorded_udev import STICK, RecordedUdev
from tests.support.live import Collector, running, until

EVENTS, EVENTS_SMALL = 220, 20
POLICY = """
[[zones]]
name = "this machine's own traffic is none of this measurement's business"
prefixes = ["0.0.0.0/0", "::/0"]
"""


def measure(*, small: bool) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            RecordedUdev() as udev,
            running(
                folder / "run",
                policy=POLICY,
                environment={
                    **udev.environment(),
                    "WARDWATCH_SCANNER": f"unix:{folder}/nobody-listens",
                },
            ) as (collector, agent),
        ):
            agent.watching("media")
            seconds = _mounts(folder, udev, collector, EVENTS_SMALL if small else EVENTS)
    return latency("detect.medium", seconds, LOAD)


def _mounts(folder: Path, udev: RecordedUdev, collector: Collector, events: int) -> list[float]:
    device = make_loop(folder, "stick", {"letter.txt": b"a"})
    udev.plug(STICK, node=device.node, number=device.number, size=device.size)
    seconds = []
    try:
        device.mount(folder / "stick")
        case = collector.case("MED-01")["id"]
        device.unmount(folder / "stick")
        counted = collector.whole(case)["count"]
        for number in range(1, events + 1):
            begun = time.monotonic()
            device.mount(folder / "stick")
            wanted = counted + number
            until(lambda wanted=wanted: collector.whole(case)["count"] >= wanted, every=POLL_S)
            seconds.append(time.monotonic() - begun)
            device.unmount(folder / "stick")
            threading.Event().wait(PAUSE_S)
    finally:
        device.release()
    return seconds
