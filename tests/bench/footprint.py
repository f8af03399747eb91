"""What the agent takes of a workstation with every sensor on and nothing happening."""

import os
import threading
import time

import psutil

from tests.bench.detect import ward
from tests.bench.figures import Figure

MIB = 1024 * 1024
WHOLE_S, WHOLE_SMALL_S = 600.0, 75.0
"""From the first word of the sensors to the last look, in seconds."""
STARTING_S, STARTING_SMALL_S = 60.0, 35.0
"""The beginning of it, which is not idle: first connection, policy, first beats."""


def measure(*, small: bool) -> list[Figure]:
    whole = WHOLE_SMALL_S if small else WHOLE_S
    starting = STARTING_SMALL_S if small else STARTING_S
    with ward() as (_, _, _, agent):
        sensors = {s["name"]: s["state"] for s in agent.status()["sensors"]}
        watched = psutil.Process(agent.pid)
        threading.Event().wait(starting)
        before, begun = _cpu_seconds(watched), time.monotonic()
        threading.Event().wait(whole - starting)
        spent, lasted = _cpu_seconds(watched) - before, time.monotonic() - begun
        memory = watched.memory_full_info()
        children = len(watched.children(recursive=True))
    load = (
        f"idle, {whole:.0f} s after the start, sensors {sensors}, {children} child processes,"
        f" load of the machine {os.getloadavg()[1]:.1f}"
    )
    return [
        Figure(name="agent.rss_mb", value=round(memory.rss / MIB, 1), unit="MiB", n=1, load=load),
        Figure(name="agent.pss_mb", value=round(memory.pss / MIB, 1), unit="MiB", n=1, load=load),
        Figure(
            name="agent.idle_cpu_percent",
            value=round(100 * spent / lasted, 3),
            unit="% of a core",
            n=1,
            load=f"{load}, over the last {lasted:.0f} s",
        ),
    ]


def _cpu_seconds(process: psutil.Process) -> float:
    """Of every thread, and of the children that it has waited for."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
