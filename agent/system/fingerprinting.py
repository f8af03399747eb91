"""Marks of all files below a folder: read as fast as threads can, never leaving the folder.

One thread lists.  Where files are read whole, two read: what they do in the kernel and in
SHA-256 runs without the interpreter's lock.  Where blocks are read, two would only hand that
lock to and fro, so one does, and the kernel fetches what it asks for meanwhile.  The same hostile ground as `agent.system.tree`, the same caution.
"""

import os
import queue
import stat
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from agent.media.fingerprint import Sampling, sampling_for
from agent.system.file_marks import Opened, Reading, mark_of, opened
from agent.system.kernel import any_page_in_memory, read_at_idle_priority
from agent.system.leases import is_open_for_writing
from agent.system.tree import why_unopened

MARKED_AT_MOST = 100_000
"""Files of one medium; one with more is scanned whole each time."""
_BATCH = 128
_WAITING_BATCHES = 8
_LITTLE = 64 << 10
"""Octets; hashing more at once is worth a second thread."""
_DEPTH = 100
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Found = Callable[[bytes, bytes, int], None]
"""Takes a path below the folder, its mark and the file's size; never called twice at once."""


OPEN_FOR_WRITING = "open_for_writing"
"""Somebody may change a file through a map of memory, of which nobody hears before it is closed."""


class Unmarkable(Exception):
    """No marks of everything can be had; the message is the reason: `gone`, `unreadable`,
    `special`, `other_filesystem`, `too_deep`, `too_many_files`, `timeout`, `stopped`,
    OPEN_FOR_WRITING.
    """


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """`cached` is told a path that somebody had read before us, as far as the kernel's memory
    tells, the first one only.
    """

    seconds: float = 1800.0
    stopped: Callable[[], bool] = lambda: False
    cached: Callable[[bytes], None] | None = None


def marks_below(folder: int, reading: Reading, bounds: Bounds, found: Found) -> None:
    """Calls `found` for every regular file below an open folder, which stays the caller's.

    Raises:
        Unmarkable: and what was found so far is worth nothing.
    """
    _Marking(reading, bounds, found).run(folder)


def _readers_for(sampling: Sampling) -> int:
    return 1 if sampling.block and sampling.whole <= _LITTLE else 2


class _Batch(msgspec.Struct, frozen=True):
    """Files of one folder, whose descriptor is the batch's own."""

    folder: int
    path: bytes
    names: Sequence[bytes]


class _Marking:
    def __init__(self, reading: Reading, bounds: Bounds, found: Found) -> None:
        self._reading = reading
        self._sampling = sampling_for(reading.filesystem, strict=reading.strict)
        self._bounds = bounds
        self._found = found
        self._one_at_a_time = threading.Lock()
        self._batches: queue.Queue[_Batch | None] = queue.Queue(_WAITING_BATCHES)
        self._why = ""
        self._looking = bounds.cached is not None
        self._left = MARKED_AT_MOST
        self._device = 0
        self._ends = time.monotonic() + bounds.seconds

    def run(self, folder: int) -> None:
        self._device = os.fstat(folder).st_dev
        readers = [
            threading.Thread(target=self._read_all, name="marks", daemon=True)
            for _ in range(_readers_for(self._sampling))
        ]
        for reader in readers:
            reader.start()
        try:
            self._list(os.dup(folder), b"", 0)
        finally:
            for _ in readers:
                self._batches.put(None)
            for reader in readers:
                reader.join()
        if self._why:
            raise Unmarkable(self._why)

    def _list(self, folder: int, path: bytes, depth: int) -> None:
        """Closes `folder`."""
        try:
            files, folders = self._entries(folder)
            for start in range(0, len(files), _BATCH):
                if self._is_over():
                    return
                names = [name for _, name in files[start : start + _BATCH]]
                self._batches.put(_Batch(os.dup(folder), path, names))
            for name in folders:
                if self._is_over():
                    return
                if depth >= _DEPTH:
                    self._give_up("too_deep")
                    return
                below = os.open(name, _FOLDER, dir_fd=folder)
                self._list(below, path + name + b"/", depth + 1)
        except OSError as unable:
            self._give_up(why_unopened(unable))
        finally:
            os.close(folder)

    def _entries(self, folder: int) -> tuple[list[tuple[int, bytes]], list[bytes]]:
        """Files in the order of their inodes, which is nearly that on the disk; folders."""
        if os.fstat(folder).st_dev != self._device:
            self._give_up("other_filesystem")
            return [], []
        files: list[tuple[int, bytes]] = []
        folders: list[bytes] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    files.append((entry.inode(), os.fsencode(entry.name)))
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(os.fsencode(entry.name))
                elif not entry.is_symlink():
                    self._give_up("special")
                if len(files) > self._left:
                    break
        self._left -= len(files)
        if self._left < 0:
            self._give_up("too_many_files")
        return sorted(files), sorted(folders)

    def _is_over(self) -> bool:
        if self._bounds.stopped():
            self._give_up("stopped")
        elif time.monotonic() > self._ends:
            self._give_up("timeout")
        return bool(self._why)

    def _give_up(self, why: str) -> None:
        self._why = self._why or why

    def _read_all(self) -> None:
        read_at_idle_priority()
        while (batch := self._batches.get()) is not None:
            waiting: list[Opened] = []
            try:
                if not self._is_over():
                    # One by one, so that those before a failure are closed, too.
                    waiting.extend(self._open(batch, name) for name in batch.names)
                    self._read(waiting)
            except OSError as unable:
                self._give_up(why_unopened(unable))
            finally:
                for one in waiting:
                    os.close(one.descriptor)
                os.close(batch.folder)

    def _open(self, batch: _Batch, name: bytes) -> Opened:
        one = opened(name, batch.folder, batch.path + name, self._reading, self._sampling)
        if not stat.S_ISREG(one.status.st_mode) or one.status.st_dev != self._device:
            self._give_up("special")
        elif self._looking and one.status.st_size and one.status.st_nlink == 1:
            self._look(one)
        one.ask_for_blocks()
        return one

    def _look(self, one: Opened) -> None:
        """Who reads a file nearly always reads its beginning."""
        if not any_page_in_memory(one.descriptor, 1):
            return
        with self._one_at_a_time:
            if self._looking and self._bounds.cached is not None:
                self._looking = False
                self._bounds.cached(one.path)

    def _read(self, waiting: Sequence[Opened]) -> None:
        for one in waiting:
            if self._is_over():
                return
            mark = mark_of(one, self._reading)
            if is_open_for_writing(one.descriptor):  # asked last: who closed it before was heard
                self._give_up(OPEN_FOR_WRITING)
                return
            with self._one_at_a_time:
                self._found(one.path, mark, one.status.st_size)
