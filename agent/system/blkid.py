"""What lies on a block device, as udev would tell it: libblkid(3), in this process.

udev itself may not open a held medium.
"""

import ctypes
import os
from collections.abc import Mapping

_SUPERBLOCK_FLAGS = 1 << 1 | 1 << 3 | 1 << 5 | 1 << 7  # BLKID_SUBLKS_LABEL, UUID, TYPE, USAGE
_FOUND, _NOTHING, _SEVERAL = 0, 1, -2  # blkid_do_safeprobe
_SHOWN = {
    "TYPE": "ID_FS_TYPE",
    "UUID": "ID_FS_UUID",
    "LABEL": "ID_FS_LABEL",
    "USAGE": "ID_FS_USAGE",
    "PTTYPE": "ID_PART_TABLE_TYPE",
    "PTUUID": "ID_PART_TABLE_UUID",
}
AMBIVALENT = "ambivalent"
"""The type of a device that can be read as several file systems: nobody knows which of them
the user's mount would show.
"""


class _Library:
    """libblkid's calls with their types; loaded only where media are held."""

    def __init__(self) -> None:
        """Raises OSError: there is no libblkid."""
        library = ctypes.CDLL("libblkid.so.1", use_errno=True)
        self.open = library.blkid_new_probe_from_filename
        self.open.restype = ctypes.c_void_p
        self.open.argtypes = [ctypes.c_char_p]
        self.close = _typed(library.blkid_free_probe)
        self.superblocks = _typed(library.blkid_probe_enable_superblocks, ctypes.c_int)
        self.flags = _typed(library.blkid_probe_set_superblocks_flags, ctypes.c_int)
        self.partitions = _typed(library.blkid_probe_enable_partitions, ctypes.c_int)
        self.probe = _typed(library.blkid_do_safeprobe)
        self.count = _typed(library.blkid_probe_numof_values)
        self.value = _typed(
            library.blkid_probe_get_value,
            ctypes.c_int,
            *[ctypes.POINTER(ctypes.c_char_p)] * 2,
            ctypes.POINTER(ctypes.c_size_t),
        )


def _typed(function: "ctypes._FuncPointer", *arguments: type) -> "ctypes._FuncPointer":
    function.argtypes = [ctypes.c_void_p, *arguments]
    return function


def properties_of(node: str) -> Mapping[str, str]:
    """By udev's names; empty where nothing is known to lie.

    Raises:
        OSError: it cannot be opened or read.
    """
    library = _Library()
    probe = library.open(os.fsencode(node))
    if not probe:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), node)
    try:
        library.superblocks(probe, 1)
        library.flags(probe, _SUPERBLOCK_FLAGS)
        library.partitions(probe, 1)
        answer = library.probe(probe)
        if answer == _SEVERAL:
            return {"ID_FS_TYPE": AMBIVALENT}
        if answer not in (_FOUND, _NOTHING):
            raise OSError(ctypes.get_errno(), "it cannot be read", node)
        return dict(_values(library, probe)) if answer == _FOUND else {}
    finally:
        library.close(probe)


def _values(library: _Library, probe: int) -> list[tuple[str, str]]:
    name, text, size = ctypes.c_char_p(), ctypes.c_char_p(), ctypes.c_size_t()
    found = []
    for number in range(library.count(probe)):
        library.value(probe, number, ctypes.byref(name), ctypes.byref(text), ctypes.byref(size))
        key = _SHOWN.get((name.value or b"").decode("ascii", "replace"))
        if key:
            found.append((key, (text.value or b"").decode("utf-8", "replace")))
    return found
