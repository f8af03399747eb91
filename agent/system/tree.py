"""The files of a mount or folder, opened one by one without ever leaving it.

A medium is hostile ground: symbolic links are not followed (O_NOFOLLOW at every step,
relative to the open parent), nothing but regular files is opened, other file systems
below are not entered, and files, depth and time have bounds.  Names are bytes.
"""

import errno
import os
import stat
import time
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import Final

import msgspec

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_AT_ONCE: Final = 1000
_GONE: Final = frozenset((errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESTALE))


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    files: int = 2_000_000
    depth: int = 100
    seconds: float = 1800.0


USUAL_BOUNDS = Bounds()


class OpenFile(msgspec.Struct, frozen=True):
    """A regular file, open for reading; whoever takes it closes it."""

    path: bytes
    descriptor: int
    size: int


class Skipped(msgspec.Struct, frozen=True):
    """`unreadable`, `special`, `gone`, `other_filesystem`, `too_deep`, `too_many_files`,
    `timeout`.  The last two end the walk.
    """

    path: bytes
    reason: str


class _Walk:
    def __init__(self, device: int, bounds: Bounds, stopped: Callable[[], bool]) -> None:
        self.device = device
        self.bounds = bounds
        self.stopped = stopped
        self.left = bounds.files
        self.ends = time.monotonic() + bounds.seconds


def files_below(
    folder: int,
    bounds: Bounds = USUAL_BOUNDS,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[OpenFile | Skipped]:
    """Every regular file below an open folder, which stays the caller's to close.

    Hard links come as often as they have names; symbolic links not at all, because
    what they lead to comes itself when it lies inside.  Ends early without a word once
    `stopped` says so.
    """
    walk = _Walk(os.fstat(folder).st_dev, bounds, stopped)
    yield from _folder(walk, os.dup(folder), b"", 0)


def _folder(walk: _Walk, descriptor: int, path: bytes, depth: int) -> Iterator[OpenFile | Skipped]:
    """Closes `descriptor`."""
    try:
        for name in _names(descriptor):
            if walk.stopped():
                return
            ending = _bound_reached(walk)
            if ending:
                yield Skipped(path, ending)
                return
            yield from _entry(walk, descriptor, path + b"/" + name if path else name, name, depth)
    except OSError as unable:
        yield Skipped(path, why_unopened(unable))
    finally:
        os.close(descriptor)


def _names(descriptor: int) -> Iterator[bytes]:
    """In order within a thousand: a folder of a million names is never in memory at once."""
    with os.scandir(descriptor) as entries:
        while some := sorted(os.fsencode(entry.name) for entry in islice(entries, _AT_ONCE)):
            yield from some


def _entry(
    walk: _Walk, parent: int, path: bytes, name: bytes, depth: int
) -> Iterator[OpenFile | Skipped]:
    try:
        seen = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError as unable:
        yield Skipped(path, why_unopened(unable))
        return
    if stat.S_ISLNK(seen.st_mode):
        return
    if seen.st_dev != walk.device:
        yield Skipped(path, "other_filesystem")
    elif stat.S_ISDIR(seen.st_mode):
        yield from _below(walk, parent, path, name, depth + 1)
    elif stat.S_ISREG(seen.st_mode):
        walk.left -= 1
        yield _opened(walk, parent, path, name)
    else:
        yield Skipped(path, "special")


def _below(
    walk: _Walk, parent: int, path: bytes, name: bytes, depth: int
) -> Iterator[OpenFile | Skipped]:
    if depth > walk.bounds.depth:
        yield Skipped(path, "too_deep")
        return
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
    except OSError as unable:
        yield Skipped(path, why_unopened(unable))
        return
    yield from _folder(walk, descriptor, path, depth)


def _opened(walk: _Walk, parent: int, path: bytes, name: bytes) -> OpenFile | Skipped:
    """Looked at once more when open: the name may mean something else by now."""
    try:
        descriptor = os.open(name, _FILE, dir_fd=parent)
    except OSError as unable:
        return Skipped(path, why_unopened(unable))
    seen = os.fstat(descriptor)
    if not stat.S_ISREG(seen.st_mode) or seen.st_dev != walk.device:
        os.close(descriptor)
        return Skipped(path, "special")
    return OpenFile(path, descriptor, seen.st_size)


def _bound_reached(walk: _Walk) -> str:
    if walk.left <= 0:
        return "too_many_files"
    return "timeout" if time.monotonic() > walk.ends else ""


def why_unopened(unable: OSError) -> str:
    return "gone" if unable.errno in _GONE else "unreadable"
