"""What the agent takes of a workstation with every sensor on and nothing happening."""

import threading
import time

import psutil

from tests.bench.detect import ward
from tests.bench.figures import Figure

MIB = 1024 * 1024
SETTLE_S, SETTLE_SMALL_S = 600.0, 45.0
WINDOW_S, WINDOW_SMALL_S = 240.0, 30.0


def measure(*, small: bool) -> list[Figure]:
    settle = SETTLE_SMALL_S if small else SETTLE_S
    window = WINDOW_SMALL_S if small else WINDOW_S
    with ward() as (_, _, _, agent):
        sensors = {s["name"]: s["state"] for s in agent.status()["sensors"]}
        watched = psutil.Process(agent.pid)
        threading.Event().wait(max(0.0, settle - window))
        before, begun = watched.cpu_times(), time.monotonic()
        threading.Event().wait(window)
        after, lasted = watched.cpu_times(), time.monotonic() - begun
        memory = watched.memory_full_info()
        children = len(watched.children(recursive=True))
    cpu = (after.user + after.system) - (before.user + before.system)
    load = f"idle, {settle:.0f} s after the start, sensors {sensors}, {children} child processes"
    return [
        Figure(name="agent.rss_mb", value=round(memory.rss / MIB, 1), unit="MiB", n=1, load=load),
        Figure(name="agent.pss_mb", value=round(memory.pss / MIB, 1), unit="MiB", n=1, load=load),
        Figure(
            name="agent.idle_cpu_percent",
            value=round(100 * cpu / lasted, 3),
            unit="% of a core",
            n=1,
            load=f"{load}, over {window:.0f} s",
        ),
    ]
