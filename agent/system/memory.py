"""Keeping a process that runs for months small: mallopt(3), malloc_trim(3)."""

import ctypes
import gc

_M_ARENA_MAX = -8
_M_TRIM_THRESHOLD = -1
_TRIM_THRESHOLD = 64 * 1024


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
    collector need not walk it, and what starting needed goes back to the kernel.
    """
    gc.collect()
    gc.freeze()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
