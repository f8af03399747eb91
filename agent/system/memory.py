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
_MAPPING = re.compile(
    r"^([0-9a-f]+)-([0-9a-f]+) r-[-x]p \S+ \S+ [1-9]\d* +/.*\n(?:\w+: .*\n)*?Anonymous: +0 kB$",
    re.MULTILINE,
)
"""A private read-only mapping of a file, of which no page was ever written."""


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
    give_back_files()


def give_back_files() -> None:
    """Leaves program text and constants to the page cache.  A page that is used again comes
    back from there; what only a start or a first connection ran and read does not.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
    for start, end in unwritten(Path("/proc/self/smaps").read_text("utf-8", "replace")):
        library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def unwritten(smaps: str) -> Iterator[tuple[int, int]]:
    """Mappings that their file can give back page by page, from proc_pid_smaps(5).

    What the dynamic linker wrote to and then made read-only (relocations) is none of them.
    """
    for found in _MAPPING.finditer(smaps):
        yield int(found[1], 16), int(found[2], 16)
