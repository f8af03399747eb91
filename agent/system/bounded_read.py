"""Reading files that others may have put in the way: never waits, never reads without end."""

import os
import stat
from pathlib import Path

_LOOK = os.O_PATH | os.O_CLOEXEC
"""Takes hold of the file without opening it, open(2): a device may act on being opened, and a
watchdog's does.
"""
_KERNEL = Path("/proc")
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def beginning(path: Path, most: int) -> bytes:
    """At most so many octets of a regular file; empty for whatever is none, and for a link that
    leads to a file the kernel makes up as it is read: reading /proc/kmsg takes the log from
    its reader.  Such a file is read where it is named itself.

    Raises:
        OSError: it is not there, or may not be read.
    """
    return _part(path, most, from_end=False)


def ending(path: Path, most: int) -> bytes:
    """As `beginning`, but the last octets.  Raises OSError."""
    return _part(path, most, from_end=True)


def _part(path: Path, most: int, *, from_end: bool) -> bytes:
    held = os.open(path, _LOOK)
    try:
        status = os.fstat(held)  # of what is held: the name may mean another file by now
        if not stat.S_ISREG(status.st_mode) or _is_made_up(path, status):
            return b""
        with os.fdopen(os.open(f"/proc/self/fd/{held}", _READ), "rb") as opened:
            if from_end:
                opened.seek(max(0, status.st_size - most))
            return opened.read(most) or b""
    finally:
        os.close(held)


def _is_made_up(path: Path, status: os.stat_result) -> bool:
    """The files of procfs and its like tell no size (fs/proc/generic.c)."""
    return not status.st_size and not path.is_relative_to(_KERNEL)
