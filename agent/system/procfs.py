"""Facts about processes, read from /proc: man 5 proc.

The root is a parameter so that recorded trees can be read.  A process may end between
any two reads; what cannot be read any more is left empty.
"""

import os
import pwd
from functools import lru_cache
from pathlib import Path

from checks.facts.base import Process

_KEPT = 512
_KEPT_SECONDS = 10.0


@lru_cache(maxsize=256)
def user_name(uid: int) -> str:
    """The account's name, or the uid in digits where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class Processes:
    """Process facts with a short memory: a burst of one process is read once."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._known: dict[tuple[int, str], tuple[float, Process]] = {}

    def named(self, pid: int, *, name: str, uid: int, now: float, file: str = "") -> Process:
        """The process of this pid, of which thread name and uid are known for sure.

        `executable` is `file` when it has ended, and empty when the pid belongs to
        another user by now.
        """
        known = self._known.get((pid, name))
        if known is not None and now - known[0] < _KEPT_SECONDS:
            return known[1]
        process = self._read(pid, name=name, uid=uid, file=file)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[pid, name] = (now, process)
        return process

    def holding(self, inode: int, uid: int) -> int | None:
        """The pid that has this socket open, looked for among one user's processes."""
        wanted = f"socket:[{inode}]"
        for folder in self._proc.iterdir():
            if folder.name.isdigit() and _belongs(folder, uid) and _has_open(folder, wanted):
                return int(folder.name)
        return None

    def of_socket(self, inode: int, uid: int, *, now: float) -> Process | None:
        pid = self.holding(inode, uid)
        if pid is None:
            return None
        return self.named(pid, name=_line(self._proc / str(pid) / "comm"), uid=uid, now=now)

    def _read(self, pid: int, *, name: str, uid: int, file: str) -> Process:
        folder = self._proc / str(pid)
        status = _status(folder)
        alive = status.get("Uid", "").split()[1:2] == [str(uid)]
        executable = file if alive or not status else ""  # else the pid is somebody else's
        if alive:
            executable = _executable(folder) or file  # empty for one that is just ending
        parent = status.get("PPid", "0").strip() if alive else "0"
        return Process(
            pid=pid,
            name=status["Name"].strip() if alive else name,
            executable=executable,
            uid=uid,
            user=user_name(uid),
            parent=_line(self._proc / parent / "comm") if parent != "0" else "",
        )


def _belongs(folder: Path, uid: int) -> bool:
    try:
        return folder.stat().st_uid in (uid, 0)  # root's dumpable rule hides changed uids
    except OSError:
        return False


def _has_open(folder: Path, wanted: str) -> bool:
    try:
        with os.scandir(folder / "fd") as entries:
            return any(_target(entry.path) == wanted for entry in entries)
    except OSError:
        return False


def _target(link: str) -> str:
    try:
        return str(Path(link).readlink())
    except OSError:
        return ""


def _executable(folder: Path) -> str:
    return _target(str(folder / "exe")).removesuffix(" (deleted)")


def _line(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _status(folder: Path) -> dict[str, str]:
    rows = (line.partition(":") for line in _line(folder / "status").splitlines())
    return {key: value for key, _, value in rows}
