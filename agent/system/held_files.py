"""Who has files of a mount open, as /proc tells it: proc(5)."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent.system.fanotify import FileAccess, Operation
from agent.system.kernel import link_target
from agent.system.processes import PROC, process_at
from checks.facts.base import Process, UnknownProcess

_WRITING = os.O_WRONLY | os.O_RDWR


class HeldFile(msgspec.Struct, frozen=True):
    access: FileAccess
    process: Process | UnknownProcess


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
