"""Maps and links that outlive the process that made them: names in the BPF file system.

man 2 bpf (BPF_OBJ_PIN, BPF_OBJ_GET); a link that has a name stays attached.
"""

import ctypes
import os
import platform
import struct
from collections.abc import Sequence
from pathlib import Path

from agent.system.bpf_kernel import NoEbpf, bpf_call, perf_event

_HASH = 1  # enum bpf_map_type
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
    """A hash map by its descriptor, with keys and values of fixed sizes."""

    def __init__(self, descriptor: int, *, key: int, value: int) -> None:
        self.descriptor = descriptor
        self._key_size, self._value_size = key, value

    @classmethod
    def made(cls, *, key: int, value: int, entries: int) -> "Table":
        """Raises NoEbpf."""
        shape = struct.pack("=IIIII", _HASH, key, value, entries, 0)
        return cls(bpf_call(_MAP_CREATE, shape, step="create a map"), key=key, value=value)

    def put(self, key: bytes, value: bytes) -> None:
        """Raises NoEbpf: it is full."""
        place = ctypes.create_string_buffer(value, len(value))
        self._ask(_UPDATE, key, place, step="write into a map")

    def get(self, key: bytes) -> bytes | None:
        value = ctypes.create_string_buffer(self._value_size)
        return None if self._ask(_LOOKUP, key, value) < 0 else value.raw

    def drop(self, key: bytes) -> None:
        self._ask(_DELETE, key)

    def known(self) -> Sequence[bytes]:
        """The keys of now; what comes meanwhile may be left out."""
        found: list[bytes] = []
        key = ctypes.create_string_buffer(self._key_size)
        while self._ask(_NEXT_KEY, found[-1] if found else None, key) == 0:
            found.append(key.raw)
        return found

    def close(self) -> None:
        os.close(self.descriptor)

    def _ask(
        self,
        command: int,
        key: bytes | None,
        place: "ctypes.Array[ctypes.c_char] | None" = None,
        *,
        step: str = "",
    ) -> int:
        """From any thread: what the addresses lead to is this call's own."""
        asked = None if key is None else ctypes.create_string_buffer(key, len(key))
        addresses = (0 if one is None else ctypes.addressof(one) for one in (asked, place))
        return bpf_call(command, struct.pack("=I4xQQQ", self.descriptor, *addresses, 0), step=step)


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
