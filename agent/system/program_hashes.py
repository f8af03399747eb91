"""SHA-256 of the programs behind processes, made on a thread of its own.

A program's content is told apart by device, inode, size and both times of its file, so each
is read once however often it runs.  What the hash proves: the file was so when the process
was looked at.  Nothing is said of what the process loaded besides.
"""

import hashlib
import os
import queue
import stat
import threading
from pathlib import Path
from typing import NamedTuple

from agent.system.doorbell import Doorbell

HASHED_MOST = 1 << 30
"""Octets; what is larger has no hash."""
_PROCESSES_KEPT, _FILES_KEPT = 1024, 4096
_WAITING_MOST = 64
_CHUNK = 256 << 10
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_INTERPRETERS = 4  # BINPRM_MAX_RECURSION of linux/binfmts.h
_SHEBANG_MOST = 256  # BINPRM_BUF_SIZE of linux/binfmts.h


class _Content(NamedTuple):
    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def runs(path: str) -> str:
    """The file that the kernel runs when this one is executed, as /proc/PID/exe would name
    it: links followed, and interpreters of scripts.  `path` itself where it is not there.
    """
    for _ in range(_INTERPRETERS):
        path = os.path.realpath(path)
        interpreter = _interpreter(path)
        if not interpreter:
            break
        path = interpreter
    return path


class ProgramHashes:
    """Asked by pid and path while the process may still live; told by the same.

    Readable (`fileno`) when a hash has been made.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._bell = Doorbell()
        self._contents: dict[tuple[int, str], _Content] = {}
        self._made: dict[_Content, str] = {}
        self._wanted: queue.SimpleQueue[tuple[int, _Content] | None] = queue.SimpleQueue()
        self._waiting: set[_Content] = set()
        self._thread: threading.Thread | None = None

    def fileno(self) -> int:
        return self._bell.fileno()

    def want(self, pid: int, path: str) -> None:
        """Begins to hash the program of a process; does nothing when it is known."""
        opened = self._open(pid, path)
        if opened is None:
            return
        content = _content_of(opened)
        known = content in self._made or content in self._waiting
        if content is None or known or len(self._waiting) >= _WAITING_MOST:
            os.close(opened)
        else:
            self._waiting.add(content)
            self._hash(opened, content)
        if content is not None and (known or content in self._waiting):
            if len(self._contents) >= _PROCESSES_KEPT:
                self._contents.clear()
            self._contents[pid, path] = content

    def of(self, pid: int, path: str) -> str | None:
        """Hexadecimal digits; None while it is being made, empty when it will not be."""
        content = self._contents.get((pid, path))
        if content is None:
            return ""
        made = self._made.get(content)
        return None if made is None and content in self._waiting else made or ""

    def answer(self) -> None:
        """Takes what `fileno` told."""
        self._bell.answer()

    def close(self) -> None:
        if self._thread:
            self._wanted.put(None)
            self._thread.join()
            self._thread = None
        self._bell.close()

    def _open(self, pid: int, path: str) -> int | None:
        """The program as the process has it, also when its file was deleted or lies in a
        container; else what lies at the path now.
        """
        for place in (f"{self._proc}/{pid}/exe", path):
            try:
                return os.open(place, _FLAGS)
            except OSError:
                continue
        return None

    def _hash(self, opened: int, content: _Content) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="program hashes", daemon=True)
            self._thread.start()
        self._wanted.put((opened, content))

    def _work(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            opened, content = wanted
            made = _digest(opened)
            if len(self._made) >= _FILES_KEPT:
                self._made.clear()
            self._made[content] = made
            self._waiting.discard(content)
            self._bell.ring()


def _content_of(opened: int) -> _Content | None:
    """None for what is no regular file, or too large."""
    found = os.fstat(opened)
    if not stat.S_ISREG(found.st_mode) or found.st_size > HASHED_MOST:
        return None
    return _Content(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _digest(opened: int) -> str:
    """Closes it.  Empty when it could not be read to its end."""
    digest, chunk = hashlib.sha256(), bytearray(_CHUNK)
    view = memoryview(chunk)
    try:
        with os.fdopen(opened, "rb", buffering=0) as file:
            while octets := file.readinto(chunk):
                digest.update(view[:octets])
    except OSError:
        return ""
    return digest.hexdigest()


def _interpreter(path: str) -> str:
    """What the first line of a script names; empty for everything else."""
    try:
        opened = os.open(path, _FLAGS)
    except OSError:
        return ""
    with os.fdopen(opened, "rb", buffering=0) as file:
        regular = stat.S_ISREG(os.fstat(opened).st_mode)
        first = file.read(_SHEBANG_MOST) if regular else b""
    if not first or not first.startswith(b"#!"):
        return ""
    words = first[2:].split(b"\n")[0].split()
    return words[0].decode("utf-8", "replace") if words else ""
