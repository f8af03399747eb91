"""Who is behind a pid, and who has files of a mount open."""

import contextlib
import os
import pwd
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from agent.system.fanotify import FileAccess, Operation
from agent.system.kernel import link_target
from checks.facts.base import Process, UnknownProcess

PROC = Path("/proc")
_WRITING = os.O_WRONLY | os.O_RDWR


class HeldFile(msgspec.Struct, frozen=True):
    access: FileAccess
    process: Process | UnknownProcess


def process_at(pid: int, proc: Path = PROC) -> Process | UnknownProcess:
    """What /proc says of a process: `gone` when it has ended, `forbidden` when we may
    not look; a pid of 0 belongs to another pid namespace.
    """
    if pid <= 0:
        return UnknownProcess(why="forbidden")
    folder = proc / str(pid)
    try:
        status = _status((folder / "status").read_text("utf-8", "replace"))
    except PermissionError:
        return UnknownProcess(why="forbidden")
    except OSError:
        return UnknownProcess(why="gone")
    uid = int(status.get("Uid", "-1").split()[0])
    return Process(
        pid=pid,
        name=status.get("Name", ""),
        executable=_executable(folder),
        uid=uid,
        user=account(uid),
        parent=_name_of(proc / status.get("PPid", "0")),
    )


def account(uid: int) -> str:
    """The account's name, or the uid in digits where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def accounts() -> Mapping[int, str]:
    return {entry.pw_uid: entry.pw_name for entry in pwd.getpwall()}


def held_files(point: str, proc: Path = PROC) -> Iterator[HeldFile]:
    """Files below a mount point that processes have open or run right now.

    Told by the links of /proc alone, so a file system that hangs holds nobody up.
    Descriptors opened and closed between two readings are not seen.
    """
    below = os.fsencode(point.rstrip("/")) + b"/"
    for folder in proc.iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        for path, operation in _links(folder, below):
            access = FileAccess(
                operations=(operation,), pid=int(folder.name), path=path[len(below) :]
            )
            yield HeldFile(access, process_at(int(folder.name), proc))


def _links(folder: Path, below: bytes) -> Iterator[tuple[bytes, Operation]]:
    with contextlib.suppress(OSError):  # a kernel thread, or gone meanwhile
        runs = link_target(f"{folder}/exe")
        if runs.startswith(below):
            yield runs, "execute"
    try:
        descriptors = [link.name for link in (folder / "fd").iterdir()]
    except OSError:
        return
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            path = link_target(f"{folder}/fd/{descriptor}")
            if path.startswith(below) and (operation := _operation(folder, descriptor, path)):
                yield path, operation


def _operation(folder: Path, descriptor: str, path: bytes) -> Operation | None:
    """Open folders are lists that somebody looks at, not files."""
    text = (folder / "fdinfo" / descriptor).read_text("ascii")
    flags = next((int(line[6:], 8) for line in text.splitlines() if line.startswith("flags:")), 0)
    if flags & (os.O_DIRECTORY | os.O_PATH) or path.endswith(b" (deleted)"):
        return None
    return "write" if flags & _WRITING else "open"


def _status(text: str) -> Mapping[str, str]:
    rows = (line.partition(":") for line in text.splitlines())
    return {key: value.strip() for key, _, value in rows}


def _executable(folder: Path) -> str:
    try:
        path = link_target(f"{folder}/exe")
    except OSError:
        return ""
    return path.decode("utf-8", "replace").removesuffix(" (deleted)")


def _name_of(folder: Path) -> str:
    try:
        return (folder / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return ""
