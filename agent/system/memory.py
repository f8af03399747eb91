"""Keeping a process that runs for months small: mallopt(3), malloc_trim(3), madvise(2)."""

import ctypes
import gc
import linecache
import re
from collections.abc import Iterator
from pathlib import Path

_M_ARENA_MAX = -8
_M_TRIM_THRESHOLD = -1
_TRIM_THRESHOLD = 64 * 1024
_MADV_DONTNEED = 4
_PROGRAM_TEXT = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ [1-9]\d* +/", re.MULTILINE)


def keep_to_one_arena() -> None:
    """To be called before the first thread starts: two threads that hardly allocate at
    once need no second malloc arena.  Does nothing where the C library is not glibc.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_ARENA_MAX, 1)
        library.mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD)


def settle() -> None:
    """To be called once everything is loaded: what is there stays, so the garbage
    collector need not walk it, and what only starting needed goes back to the kernel.
    """
    linecache.clearcache()
    gc.collect()
    gc.freeze()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
    for start, end in program_text(Path("/proc/self/maps").read_text("utf-8", "replace")):
        library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def program_text(maps: str) -> Iterator[tuple[int, int]]:
    """Mappings of read-only program text, from proc_pid_maps(5).

    Text is never written to, so a page given up comes back from the file (mostly the
    page cache) when it is run again; what ran at the start only, does not.
    """
    for found in _PROGRAM_TEXT.finditer(maps):
        yield int(found[1], 16), int(found[2], 16)
