"""Keeping a process that runs for months small: mallopt(3), malloc_trim(3)."""

import ctypes
import gc

_M_ARENA_MAX = -8
_M_TRIM_THRESHOLD = -1
_TRIM_THRESHOLD = 64 * 1024


def settle() -> None:
    """To be called once everything is loaded: what is there stays, so the collector
    need not walk it, and what starting needed goes back to the kernel.

    One malloc arena: two threads that hardly allocate at once need no second one.  Does
    nothing more than collect where the C library is not glibc.
    """
    gc.collect()
    gc.freeze()
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt") and hasattr(library, "malloc_trim"):
        library.mallopt(_M_ARENA_MAX, 1)
        library.mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD)
        library.malloc_trim(0)
