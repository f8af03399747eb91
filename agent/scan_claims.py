"""Which processes are scans that a command of ours runs: the service takes none of them for a user.

A file per process in the state folder, which only root writes to; so only root's scans are known.
It stays a while after the scan: the service may hear late of what that read.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from agent.durable import make_private_folder

FOLDER = "scans"
PROC = Path("/proc")
KEPT = 60.0
"""Seconds that a claim outlives its scan."""


@contextlib.contextmanager
def claimed(state: Path) -> Iterator[None]:
    """Says of this process that it scans, until the end of the block; says nothing where the
    state folder is another's.
    """
    claim = state / FOLDER / str(os.getpid())
    with contextlib.suppress(OSError):
        if state.is_dir():
            make_private_folder(claim.parent)
        claim.write_text(_started(os.getpid()), "ascii")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.utime(claim)


def claimants(state: Path) -> frozenset[int]:
    """Processes that scan, or did a moment ago; older claims are taken away."""
    scanning = set()
    with contextlib.suppress(OSError):
        for claim in (state / FOLDER).iterdir():
            pid = int(claim.name) if claim.name.isdecimal() else 0
            runs, began = _started(pid), claim.read_text("ascii")
            if pid and (runs == began or (not runs and _is_fresh(claim))):
                scanning.add(pid)
            else:
                claim.unlink()
    return frozenset(scanning)


def _is_fresh(claim: Path) -> bool:
    return abs(time.time() - claim.stat().st_mtime) < KEPT


def _started(pid: int) -> str:
    """When it began, in ticks since the boot: proc_pid_stat(5), field 22; empty when it is gone."""
    try:
        said = (PROC / str(pid) / "stat").read_text("ascii", "replace")
    except OSError:
        return ""
    return said.rpartition(")")[2].split()[19]
