"""A thread without some of root's capabilities, for a while: man 2 capset."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2
_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Half(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


@contextmanager
def without(*capabilities: int) -> Iterator[None]:
    """This thread, and those that it starts meanwhile; all of them are below 32."""
    sets = (_Half * 2)()
    _call(_libc.capget, sets)
    before = sets[0].effective
    sets[0].effective = before & ~sum(1 << each for each in capabilities)
    _call(_libc.capset, sets)
    try:
        yield
    finally:
        sets[0].effective = before
        _call(_libc.capset, sets)


def _call(function: object, sets: object) -> None:
    header = _Header(_VERSION_3, 0)
    if function(ctypes.byref(header), sets):  # type: ignore[operator] # of the C library
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
