"""Maps and links that outlive the process that made them: names in the BPF file system.

man 2 bpf (BPF_OBJ_PIN, BPF_OBJ_GET); a link that has a name stays attached.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from pathlib import Path

from agent.system.bpf_kernel import NoEbpf, bpf_call, perf_event

HASH, ARRAY = 1, 2
"""Of enum bpf_map_type."""
_MAP_CREATE, _LOOKUP, _UPDATE, _DELETE, _NEXT_KEY = 0, 1, 2, 3, 4
_PIN, _GET, _LINK_CREATE = 6, 7, 28
_ON_PERF_EVENT = 41  # enum bpf_attach_type
_KPROBES = Path("/sys/bus/event_source/devices/kprobe/type")
_ARGUMENTS_AT = {
    "x86_64": (112, 104),  # di, si
    "aarch64": (0, 8),
    "riscv64": (80, 88),  # a0, a1
    "loongarch64": (32, 40),  # r4, r5
}
"""Places of a function's first two arguments in struct pt_regs (arch/*/asm/ptrace.h)."""


class Table:
    """A map by its descriptor, with keys and values of fixed sizes."""

    def __init__(self, descriptor: int, *, key: int, value: int) -> None:
        self.descriptor = descriptor
        self._key_size, self._value_size = key, value

    @classmethod
    def made(cls, *, key: int, value: int, entries: int, kind: int = HASH) -> "Table":
        """Raises NoEbpf."""
        shape = struct.pack("=IIIII", kind, key, value, entries, 0)
        return cls(bpf_call(_MAP_CREATE, shape, step="create a map"), key=key, value=value)

    def put(self, key: bytes, value: bytes) -> None:
        """Raises NoEbpf: it is full."""
        place = ctypes.create_string_buffer(value, len(value))
        question = self._question(key, ctypes.addressof(place))
        bpf_call(_UPDATE, question, step="write into a map")

    def get(self, key: bytes) -> bytes | None:
        value = ctypes.create_string_buffer(self._value_size)
        found = bpf_call(_LOOKUP, self._question(key, ctypes.addressof(value)))
        return None if found < 0 else value.raw

    def drop(self, key: bytes) -> None:
        bpf_call(_DELETE, self._question(key, 0))

    def keys(self) -> Iterator[bytes]:
        """Those of now; what comes meanwhile may be left out."""
        found = []
        key = ctypes.create_string_buffer(self._key_size)
        known: bytes | None = None
        while bpf_call(_NEXT_KEY, self._question(known, ctypes.addressof(key))) == 0:
            known = key.raw
            found.append(known)
        yield from found

    def close(self) -> None:
        os.close(self.descriptor)

    def _question(self, key: bytes | None, place: int) -> bytes:
        self._asked = None if key is None else ctypes.create_string_buffer(key, len(key))
        asked = 0 if self._asked is None else ctypes.addressof(self._asked)
        return struct.pack("=I4xQQQ", self.descriptor, asked, place, 0)


def pin(descriptor: int, path: Path) -> None:
    """Gives it a name in the BPF file system.  Raises NoEbpf."""
    name = ctypes.create_string_buffer(os.fsencode(path))
    bpf_call(_PIN, struct.pack("=QI", ctypes.addressof(name), descriptor), step=f"pin {path}")


def pinned(path: Path) -> int | None:
    """Descriptor of what has that name, None for nothing."""
    name = ctypes.create_string_buffer(os.fsencode(path))
    found = bpf_call(_GET, struct.pack("=Q", ctypes.addressof(name)))
    return None if found < 0 else found


def on_function(program: int, function: bytes) -> int:
    """Descriptor of the link of a program to the entry of a kernel function (kprobe).

    Raises:
        NoEbpf: this kernel has no kprobes, or no such function.
    """
    try:
        kind = int(_KPROBES.read_text("ascii"))
    except OSError as missing:
        raise NoEbpf("this kernel has no kprobes") from missing
    name = ctypes.create_string_buffer(function)
    event = perf_event(kind, ctypes.addressof(name), step=f"probe {function.decode()}")
    try:
        link = struct.pack("=IIII", program, event, _ON_PERF_EVENT, 0)
        return bpf_call(_LINK_CREATE, link, step=f"attach to {function.decode()}")
    finally:
        os.close(event)


def argument_places() -> tuple[int, int]:
    """Raises NoEbpf."""
    if platform.machine() not in _ARGUMENTS_AT:
        raise NoEbpf(f"the arguments of functions are not known on {platform.machine()}")
    return _ARGUMENTS_AT[platform.machine()]
