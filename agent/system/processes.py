"""Who is behind a pid, as /proc tells it: proc(5).

The root is a parameter so that recorded trees can be read.  A process may end between
any two reads; what cannot be read any more is left empty.
"""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from msgspec import structs

from agent.command_line import masked
from agent.system.exec_memory import Beginning, Beginnings, nothing_known
from agent.system.kernel import link_target
from agent.system.program_hashes import ProgramHashes, runs
from checks.facts.base import Process, UnknownProcess

PROC = Path("/proc")
_KEPT = 512
_GENERATIONS = 8
_COMMAND_READ = 4096
"""Octets of a command line that are looked at; far more than is shown."""
_UNSET = str(2**32 - 1)
"""Nobody logged in, or no session: AUDIT_UID_UNSET and AUDIT_SID_UNSET of linux/audit.h."""
_KEPT_SECONDS = 10.0


def process_at(pid: int, proc: Path = PROC) -> Process | UnknownProcess:
    """What /proc says of a process, but for its command line: `gone` when it has ended,
    `forbidden` when we may not look; a pid of 0 belongs to another pid namespace.
    """
    if pid <= 0:
        return UnknownProcess(why="forbidden")
    try:
        status = _status(proc / str(pid))
    except PermissionError:
        return UnknownProcess(why="forbidden")
    except OSError:
        return UnknownProcess(why="gone")
    uid = int(status.get("Uid", "-1").split()[0])
    return _described(pid, status, proc, uid=uid, name=status.get("Name", ""))


@lru_cache(maxsize=256)
def account(uid: int) -> str:
    """The account's name, or the uid in digits where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def accounts() -> Mapping[int, str]:
    return {entry.pw_uid: entry.pw_name for entry in pwd.getpwall()}


class Processes:
    """Process facts with a short memory: a burst of one process is read once.

    `beginnings` says of processes that have ended what they were started with; of every
    process that is named the program's hash is asked for at `hashes`.  Names of people's
    files are in command lines only if `file_names`.
    """

    def __init__(self, proc: Path = PROC, hashes: ProgramHashes | None = None) -> None:
        self._proc = proc
        self._hashes = hashes
        self.beginnings: Beginnings = nothing_known
        self.file_names = False
        self._known: dict[tuple[int, str], tuple[float, Process]] = {}

    def named(self, pid: int, *, name: str, uid: int, now: float) -> Process:
        """The process of this pid, of which thread name and uid are known for sure.

        What /proc does not say any more is what the kernel noted at its start.  Nothing
        but name and user is told when the pid belongs to another user by now.
        """
        known = self._known.get((pid, name))
        if known is not None and now - known[0] < _KEPT_SECONDS:
            return known[1]
        process = self._read(pid, name=name, uid=uid)
        if self._hashes and process.executable:
            self._hashes.want(pid, process.executable)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[pid, name] = (now, process)
        return process

    def of_socket(self, inode: int, uid: int, *, now: float) -> Process | None:
        pid = self.holding(inode, uid)
        if pid is None:
            return None
        return self.named(pid, name=_name_of(self._proc / str(pid)), uid=uid, now=now)

    def holding(self, inode: int, uid: int) -> int | None:
        """The pid that has this socket open, looked for among one user's processes."""
        wanted = b"socket:[%d]" % inode
        for folder in self._proc.iterdir():
            if folder.name.isdigit() and _belongs(folder, uid) and _has_open(folder, wanted):
                return int(folder.name)
        return None

    def _read(self, pid: int, *, name: str, uid: int) -> Process:
        try:
            status = _status(self._proc / str(pid))
        except OSError:
            return self._completed(Process(pid=pid, name=name, uid=uid, user=account(uid)))
        if str(uid) not in status.get("Uid", "").split():  # real, effective, saved, file system
            return Process(pid=pid, name=name, uid=uid, user=account(uid))
        name = status.get("Name", name)
        found = _described(pid, status, self._proc, uid=uid, name=name)
        command = _command(self._proc / str(pid), file_names=self.file_names)
        return self._completed(structs.replace(found, command=command))

    def _completed(self, found: Process) -> Process:
        """With what the kernel noted, where the process ended before it was read whole.

        What did not exec runs its parent's program; login and session are inherited.
        """
        if found.executable and found.command and found.session:
            return found
        line = self._line_of(found.pid)
        own, parent = line[0], line[1] if len(line) > 1 else line[0]
        program = next((one for one in line if one.noted.executed or one.living), own)
        heir = next((one for one in line if one.living), own)
        return structs.replace(
            found,
            executable=found.executable or program.executable(),
            command=found.command or program.command(file_names=self.file_names),
            parent=found.parent or ("" if parent is own else _name_of(parent.folder)),
            login=found.login or login(heir.folder),
            session=found.session or _audited(heir.folder / "sessionid"),
        )

    def _line_of(self, pid: int) -> list["_Ancestor"]:
        """The process itself, then who made it, as far as that was seen."""
        line = [_Ancestor(self._proc / str(pid), self.beginnings(pid), living=False)]
        while len(line) < _GENERATIONS and (pid := line[-1].noted.parent):
            folder = self._proc / str(pid)
            line.append(_Ancestor(folder, self.beginnings(pid), living=folder.exists()))
        return line


@dataclass(frozen=True, slots=True)
class _Ancestor:
    folder: Path
    noted: Beginning
    living: bool

    def executable(self) -> str:
        seen = _executable(self.folder) if self.living else ""
        return seen or (runs(self.noted.file) if self.noted.file else "")

    def command(self, *, file_names: bool) -> str:
        seen = _command(self.folder, file_names=file_names) if self.living else ""
        return seen or masked(self.noted.arguments, file_names=file_names)


def _described(pid: int, status: Mapping[str, str], proc: Path, *, uid: int, name: str) -> Process:
    parent = status.get("PPid", "0")
    return Process(
        pid=pid,
        name=name,
        executable=_executable(proc / str(pid)),
        uid=uid,
        user=account(uid),
        parent=_name_of(proc / parent) if parent != "0" else "",
        login=login(proc / str(pid)),
        session=_audited(proc / str(pid) / "sessionid"),
    )


def _command(folder: Path, *, file_names: bool) -> str:
    """Empty for a kernel thread and for one that is ending."""
    try:
        with (folder / "cmdline").open("rb") as file:
            octets = file.read(_COMMAND_READ)
    except OSError:
        return ""
    arguments = octets.decode("utf-8", "replace").rstrip("\0").split("\0") if octets else []
    return masked(arguments, file_names=file_names)


def login(folder: Path) -> str:
    """The account that logged in, of a process by its folder in /proc; empty where nobody did."""
    uid = _audited(folder / "loginuid")
    return account(int(uid)) if uid.isdigit() else ""


def _audited(file: Path) -> str:
    """Empty where nobody logged in, or the kernel keeps no such numbers (CONFIG_AUDIT)."""
    try:
        number = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return "" if number == _UNSET else number


def _belongs(folder: Path, uid: int) -> bool:
    try:
        return folder.stat().st_uid in (uid, 0)  # root's dumpable rule hides changed uids
    except OSError:
        return False


def _has_open(folder: Path, wanted: bytes) -> bool:
    try:
        with os.scandir(folder / "fd") as entries:
            return any(_target(entry.path) == wanted for entry in entries)
    except OSError:
        return False


def _status(folder: Path) -> Mapping[str, str]:
    """Raises OSError."""
    text = (folder / "status").read_text("utf-8", "replace")
    rows = (line.partition(":") for line in text.splitlines())
    return {key: value.strip() for key, _, value in rows}


def _executable(folder: Path) -> str:
    return _target(f"{folder}/exe").decode("utf-8", "replace").removesuffix(" (deleted)")


def _target(link: str) -> bytes:
    try:
        return link_target(link)
    except OSError:
        return b""


def _name_of(folder: Path) -> str:
    try:
        return (folder / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""
