"""The content of an open file."""

import contextlib
import hashlib
import os

from agent.media.locked import HEAD, is_locked
from agent.media.locked_documents import is_locked_document
from agent.system.kernel import FileState, any_page_in_memory
from agent.system.tree import OpenFile

_CHUNK = 1 << 18
_LOOKED_AT = 1 << 20
"""Bytes of a file's beginning; who reads a file nearly always reads these."""
_READ_AHEAD = 1 << 18
"""Bytes of a file that are fetched in one go; the kernel's own read-ahead begins with four pages
and doubles.  Measured: 2 % of a cold scan of small files, 8 % of one that clamd's cache answers;
nothing for files of some megabytes, where whole ones cost more than they save."""


def state_of(descriptor: int) -> FileState:
    """As its file system has it, which is asked; all zero where nobody can tell any more."""
    try:
        told = os.fstat(descriptor)
    except OSError:
        return FileState()
    return FileState(told.st_ino, told.st_size, told.st_mtime_ns)


def content_hash(file: OpenFile) -> str:
    """SHA-256 in hex, empty when it cannot be read; the file's position stays at 0."""
    digest = hashlib.sha256()
    offset = 0
    try:
        while chunk := os.pread(file.descriptor, _CHUNK, offset):
            digest.update(chunk)
            offset += len(chunk)
    except OSError:
        return ""
    return digest.hexdigest()


def read_ahead(file: OpenFile) -> None:
    """Has the kernel fetch what the engine will read, without waiting for it (POSIX_FADV_WILLNEED
    of posix_fadvise(2)).  A file whose medium is gone says so when it is read.
    """
    with contextlib.suppress(OSError):
        os.posix_fadvise(file.descriptor, 0, _READ_AHEAD, os.POSIX_FADV_WILLNEED)


def why_not_clean(file: OpenFile) -> str:
    """What an engine does not say that found nothing in the file: `unreadable` where a part of it
    cannot be read (clamd scans the rest and says OK), `encrypted`; else empty.

    Reads all of it, which lies in memory after the engine has: some percent of its time.
    """
    buffer = memoryview(bytearray(min(file.size, _CHUNK)))
    offset = 0
    try:
        while offset < file.size and (got := os.preadv(file.descriptor, [buffer], offset)):
            offset += got
        locked = _is_locked(file)
    except (OSError, OverflowError):
        return "unreadable"
    return "encrypted" if locked else ""


def _is_locked(file: OpenFile) -> bool:
    def read(start: int, length: int) -> bytes:
        return os.pread(file.descriptor, length, start)

    head = read(0, HEAD)
    return is_locked(head, file.size, read) or is_locked_document(head, file.size, read)


def was_read(file: OpenFile) -> bool:
    """Whether somebody read the file since its file system was mounted: a fresh mount has
    none of its files' pages in memory.  Not told of a file with several names, which the
    scan itself may have read by another one.
    """
    if not file.size or os.fstat(file.descriptor).st_nlink > 1:
        return False
    return any_page_in_memory(file.descriptor, min(file.size, _LOOKED_AT))


def close(file: OpenFile) -> None:
    os.close(file.descriptor)
