"""Which processes are new, and what they are called: /proc by the pids in it.  proc(5)."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from agent.system.kernel import link_target

_ARGUMENTS_MOST = 4096  # bytes of a command line
_ENVIRONMENT_MOST = 64 << 10
_SYS_UID_MAX = 999
_COMM_MOST = 16  # TASK_COMM_LEN


@dataclass(frozen=True, slots=True)
class Running:
    """One process as it was started.  `executable` is empty for a kernel thread, and where
    it may not be seen; `name` is cut off after 15 characters.
    """

    pid: int
    name: str
    executable: str
    arguments: tuple[str, ...]


class ProcessWatch:
    """Tells pids apart that are new.  Each is told twice, a look apart, because between fork
    and exec a process still is what its parent was.

    /proc/loadavg ends with the pid that was given last: while that stays the same nothing
    has begun, and a look reads one line.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._known: frozenset[int] = frozenset()
        self._young: frozenset[int] = frozenset()
        self._last_pid = ""

    def fresh(self) -> Collection[int]:
        """Pids that began since the last look, and those of the last look once more."""
        last = self._last()
        if last and last == self._last_pid and not self._young:
            return ()
        before, self._last_pid = self._known, last
        self._known = self._pids()
        young, self._young = self._young & self._known, self._known - before
        return sorted(young | self._young)

    def everything(self) -> Collection[int]:
        """Every pid there is."""
        self._last_pid = self._last()
        self._known, self._young = self._pids(), frozenset()
        return sorted(self._known)

    def runs(self, pid: int) -> bool:
        return (self._proc / str(pid)).exists()

    def is_of_the_system(self, pid: int) -> bool:
        """Whether an account of the system runs it, and no person: login.defs(5)."""
        try:
            return (self._proc / str(pid)).stat().st_uid <= _SYS_UID_MAX
        except OSError:
            return False

    def running(self, pid: int) -> Running | None:
        """None for one that has ended, or may not be seen."""
        folder = self._proc / str(pid)
        try:
            name = _octets(folder / "comm", _COMM_MOST).decode("utf-8", "replace").rstrip("\n")
            raw = _octets(folder / "cmdline", _ARGUMENTS_MOST)
        except OSError:
            return None
        arguments = raw.decode("utf-8", "replace").rstrip("\0").split("\0") if raw else []
        return Running(pid, name, _executable(folder), tuple(arguments))

    def variables(self, pid: int, containing: bytes) -> tuple[str, ...]:
        """`NAME=value` of those that contain these bytes in lower case, as the process was
        started with; empty where it may not be seen.
        """
        try:
            raw = _octets(self._proc / str(pid) / "environ", _ENVIRONMENT_MOST)
        except OSError:
            return ()
        if containing not in raw.lower():
            return ()
        return tuple(
            variable.decode("utf-8", "replace")
            for variable in raw.split(b"\0")
            if containing in variable.lower()
        )

    def _last(self) -> str:
        try:
            return (self._proc / "loadavg").read_text("ascii").rpartition(" ")[2]
        except OSError:
            return ""

    def _pids(self) -> frozenset[int]:
        with os.scandir(self._proc) as entries:
            return frozenset(int(entry.name) for entry in entries if entry.name.isdigit())


def _octets(file: Path, most: int) -> bytes:
    with file.open("rb", buffering=0) as opened:
        return opened.read(most) or b""


def _executable(folder: Path) -> str:
    try:
        return link_target(f"{folder}/exe").decode("utf-8", "replace").removesuffix(" (deleted)")
    except OSError:
        return ""
