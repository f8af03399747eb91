"""How many files the engine gets at once, so that whoever works at this machine comes first.

Our own threads read at idle priority, but the engine has a priority of its own: clamd(8) takes a
processor for each file it has.  What others use is told from /proc/stat and /proc/PID/stat
(proc(5)): time in user mode that is neither the engine's nor ours.  Work of the kernel is left
out, since most of it is done for the scan.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent.media.scan import IN_FLIGHT

LOOK_EVERY = 0.25
"""Seconds."""
IDLE_BELOW = 0.2
"""Processors that others may use before the scan makes room: a desktop's own noise."""
_ROOM = 0.5  # a processor that is wanted looks half used while the engine has the other half
_TICKS = os.sysconf("SC_CLK_TCK")


class Usage(msgspec.Struct, frozen=True):
    """Seconds in user mode so far: of all processes, and of the engine and us; at what time."""

    at: float
    all: float
    scanning: float


class EnginePace:
    """Asked before each file; looks at the clocks at most every LOOK_EVERY seconds."""

    def __init__(
        self,
        read: Callable[[], Usage],
        processors: int = os.cpu_count() or 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._processors = processors
        self._clock = clock
        self._before = read()
        self._at_once = IN_FLIGHT

    def at_once(self) -> int:
        """Files that the engine may have now, 1 at least."""
        if self._clock() - self._before.at >= LOOK_EVERY:
            now = self._read()
            others = (now.all - self._before.all) - (now.scanning - self._before.scanning)
            self._at_once = room(others / (now.at - self._before.at), self._processors)
            self._before = now
        return self._at_once


def room(others: float, processors: int) -> int:
    """Files at once beside so many processors' worth of work of others."""
    return IN_FLIGHT if others < IDLE_BELOW else max(1, int(processors - others - _ROOM))


def usage(engine: int) -> Usage:
    """Of this machine now; `engine` is the engine's process, 0 where it is not here."""
    with Path("/proc/stat").open(encoding="ascii") as lines:
        words = lines.readline().split()
    user, nice = int(words[1]), int(words[2])
    return Usage(
        at=time.monotonic(),
        all=(user + nice) / _TICKS,
        scanning=os.times().user + _user_time(engine),
    )


def _user_time(pid: int) -> float:
    """0 for a process that is not here; the 14th field, counted behind the name."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return 0.0
    return int(said.rpartition(")")[2].split()[11]) / _TICKS
