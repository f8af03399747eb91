"""Reading files that others may have put in the way: never waits, never reads without end."""

import os
import stat
from pathlib import Path

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Opening a FIFO for reading waits for a writer without O_NONBLOCK: fifo(7)."""


def beginning(path: Path, most: int) -> bytes:
    """At most so many octets of a regular file; empty for whatever is none.

    Raises:
        OSError: it is not there, or may not be read.
    """
    return _part(path, most, from_end=False)


def ending(path: Path, most: int) -> bytes:
    """As `beginning`, but the last octets.  Raises OSError."""
    return _part(path, most, from_end=True)


def _part(path: Path, most: int, *, from_end: bool) -> bytes:
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)  # of what is open: the name may mean another file by now
        if not stat.S_ISREG(status.st_mode):
            return b""
        if from_end:
            opened.seek(max(0, status.st_size - most))
        return opened.read(most)
