"""The bpf system call: maps, programs and where they are attached.

man 2 bpf, man 2 perf_event_open; linux/bpf.h.  Everything is held by descriptors, so
all of it leaves the kernel with this process.
"""

import contextlib
import ctypes
import fcntl
import os
import platform
import re
import struct
from pathlib import Path

CGROUP_SKB, CGROUP_SOCK, CGROUP_SOCK_ADDR, TRACEPOINT = 8, 9, 18, 5

_SYSCALLS = {
    "x86_64": (321, 298),
    "aarch64": (280, 241),
    "riscv64": (280, 241),
    "loongarch64": (280, 241),
}
"""bpf and perf_event_open by machine."""

_MAP_CREATE, _MAP_LOOKUP, _PROG_LOAD, _LINK_CREATE = 0, 1, 5, 28
PERCPU_ARRAY, LRU_HASH = 6, 9
_LOG_SIZE = 1 << 16
_ATTRIBUTE_SIZE = 128

FSOPEN, FSCONFIG, FSMOUNT = 430, 431, 432  # the same on every architecture
_FSCONFIG_CMD_CREATE = 6

_PERF_TYPE_TRACEPOINT = 2
_PERF_ATTRIBUTE = struct.Struct("=IIQ48xQ40x")  # type, size, config; 112 bytes in all
_PERF_PROBE = struct.Struct("=IIQ40xQQ40x")  # type, size, config; config1, config2
_PERF_CLOSE_ON_EXEC = 8
_PERF_IOC_SET_BPF, _PERF_IOC_ENABLE = 0x40042408, 0x2400


class NoEbpf(Exception):
    """The kernel does not let us look; the message says which step failed and why."""


class Map:
    """A map with fixed sizes, an LRU hash unless told; looked up with one key at a time
    (not one with a value for each processor, which only programs use).
    """

    def __init__(self, *, key: int, value: int, entries: int, kind: int = LRU_HASH) -> None:
        attributes = struct.pack("=IIIII", kind, key, value, entries, 0)
        self.descriptor = bpf_call(_MAP_CREATE, attributes, step="create a map")
        self._key = ctypes.create_string_buffer(key)
        self._value = ctypes.create_string_buffer(value)
        places = (ctypes.addressof(self._key), ctypes.addressof(self._value))
        self._question = struct.pack("=I4xQQQ", self.descriptor, *places, 0)

    def get(self, key: bytes) -> bytes | None:
        self._key.raw = key
        found = bpf_call(_MAP_LOOKUP, self._question)
        return None if found < 0 else self._value.raw


_libc = ctypes.CDLL(None, use_errno=True)


def _numbers() -> tuple[int, int]:
    if platform.machine() not in _SYSCALLS:
        raise NoEbpf(f"bpf is not known on {platform.machine()}")
    return _SYSCALLS[platform.machine()]


def bpf_call(command: int, attributes: bytes, *, step: str = "") -> int:
    """The call's result; below 0 only without a `step` to name in the failure."""
    buffer = ctypes.create_string_buffer(attributes.ljust(_ATTRIBUTE_SIZE, b"\0"))
    result = int(_libc.syscall(_numbers()[0], command, buffer, _ATTRIBUTE_SIZE))
    if result < 0 and step:
        raise NoEbpf(f"{step}: {os.strerror(ctypes.get_errno())}")
    return result


def loaded(kind: int, code: bytes, *, hook: int = 0) -> int:
    """Descriptor of a program that the verifier has accepted.

    Raises:
        NoEbpf: with the verifier's last words.
    """
    program = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"Dual MIT/GPL")
    log = ctypes.create_string_buffer(_LOG_SIZE)
    attributes = struct.pack(
        "=IIQQIIQII16sII",
        kind,
        len(code) // 8,
        ctypes.addressof(program),
        ctypes.addressof(licence),
        1,
        _LOG_SIZE,
        ctypes.addressof(log),
        0,
        0,
        b"wardwatch",
        0,
        hook,
    )
    try:
        return bpf_call(_PROG_LOAD, attributes, step="load a program")
    except NoEbpf as refused:
        said = log.value.decode("utf-8", "replace").strip().splitlines()
        raise NoEbpf(f"{refused} {' '.join(said[-3:])}".strip()) from refused


def attached(program: int, root: int, hook: int) -> int:
    """Descriptor of the link of a program to a control group."""
    link = struct.pack("=IIII", program, root, hook, 0)
    return bpf_call(_LINK_CREATE, link, step="attach to the control group")


def root_cgroup() -> int:
    """The root of the unified hierarchy."""
    return _root_of(b"cgroup2")


def on_tracepoint(program: int, category: str, name: str) -> int:
    """Descriptor that keeps a program on a kernel tracepoint.  It is opened for one
    processor only, but the program runs on all of them: kernel/trace/bpf_trace.c.

    Raises:
        NoEbpf: there is no such tracepoint, or it may not be used.
    """
    number = int(_tracepoint_file(f"events/{category}/{name}/id"))
    attribute = _PERF_ATTRIBUTE.pack(_PERF_TYPE_TRACEPOINT, _PERF_ATTRIBUTE.size, number, 0)
    event = int(_libc.syscall(_numbers()[1], attribute, -1, 0, -1, _PERF_CLOSE_ON_EXEC))
    if event < 0:
        raise NoEbpf(f"open the tracepoint: {os.strerror(ctypes.get_errno())}")
    try:
        fcntl.ioctl(event, _PERF_IOC_SET_BPF, program)
        fcntl.ioctl(event, _PERF_IOC_ENABLE, 0)
    except OSError:
        os.close(event)
        raise
    return event


def perf_event(kind: int, function: int, *, step: str) -> int:
    """Descriptor of an event at the entry of the kernel function whose name is at this
    address in memory (`config1` of a kprobe event).  Raises NoEbpf.
    """
    attribute = _PERF_PROBE.pack(kind, _PERF_PROBE.size, 0, function, 0)
    event = int(_libc.syscall(_numbers()[1], attribute, -1, 0, -1, _PERF_CLOSE_ON_EXEC))
    if event < 0:
        raise NoEbpf(f"{step}: {os.strerror(ctypes.get_errno())}")
    return event


def place_in_record(category: str, name: str, field: str) -> int:
    """Where a field of a tracepoint's record begins, in octets; kernels differ.

    Raises:
        NoEbpf: there is no such tracepoint, or no such field in it.
    """
    described = _tracepoint_file(f"events/{category}/{name}/format")
    found = re.search(rf"[ *]{field}(?:\[\d*\])?;\s*offset:(\d+);", described)
    if found is None:
        raise NoEbpf(f"the tracepoint {name} has no {field}")
    return int(found[1])


def _tracepoint_file(path: str) -> str:
    root = _root_of(b"tracefs")
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=root)
    except OSError as missing:
        raise NoEbpf(f"no tracepoint: {missing}") from missing
    finally:
        os.close(root)
    with os.fdopen(file) as text:
        return text.read()


def _root_of(filesystem: bytes) -> int:
    """Root folder of a kernel file system: where it is mounted (in the sandbox of a service
    nothing may be mounted), else a mount of our own.
    """
    for line in Path("/proc/self/mounts").read_bytes().splitlines():
        _, folder, kind, *_ = line.split()
        if kind == filesystem:
            with contextlib.suppress(OSError):  # hidden, or something is mounted over it
                return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return _own_mount(filesystem)


def _own_mount(filesystem: bytes) -> int:
    """Root folder of a kernel file system, mounted where nobody else sees it."""
    context = int(_libc.syscall(FSOPEN, filesystem, 1))
    if context < 0:
        raise NoEbpf(f"open {filesystem.decode()}: {os.strerror(ctypes.get_errno())}")
    try:
        if _libc.syscall(FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0) < 0:
            raise NoEbpf(f"create {filesystem.decode()}: {os.strerror(ctypes.get_errno())}")
        mounted = int(_libc.syscall(FSMOUNT, context, 1, 0))
        if mounted < 0:
            raise NoEbpf(f"mount {filesystem.decode()}: {os.strerror(ctypes.get_errno())}")
        return mounted
    finally:
        os.close(context)
