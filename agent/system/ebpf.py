"""Who sends: programs at the root control group that note the process of every flow.

man 2 bpf; linux/bpf.h; Documentation/bpf/instruction-set.rst.  Assembled here by hand,
so neither a compiler nor kernel headers are needed; kernel 5.7 or newer (links to
control groups, process helpers in socket hooks).

Socket hooks run in the process that creates, connects or sends, and note it under the
socket's cookie.  The egress hook sees every first packet, whoever runs then, and notes
the same under the packet's own addresses and ports.  So the process is known before the
packet socket shows its packet, and still when it has ended.
"""

import ctypes
import os
import platform
import struct
from dataclasses import dataclass
from pathlib import Path

_SYSCALLS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280}
_MAP_CREATE, _MAP_LOOKUP, _PROG_LOAD, _LINK_CREATE = 0, 1, 5, 28
_LRU_HASH = 9
_CGROUP_SKB, _CGROUP_SOCK, _CGROUP_SOCK_ADDR = 8, 9, 18
_EGRESS, _SOCK_CREATE = 1, 2
_ADDRESS_HOOKS = (10, 11, 14, 15)  # INET4_CONNECT, INET6_CONNECT, UDP4_SENDMSG, UDP6_SENDMSG
_SOCKETS_KEPT, _FLOWS_KEPT = 16_384, 32_768
_LOG_SIZE = 1 << 16
_ATTRIBUTE_SIZE = 128

_KEY = struct.Struct("=16s16s2s2sI")
_OWNER = struct.Struct("=QII16s")
_MAPPED = bytes(10) + b"\xff\xff"


class NoEbpf(Exception):
    """The kernel does not let us look; the message says which step failed and why."""


@dataclass(frozen=True, slots=True)
class Owner:
    """`name` is the thread's, at most 15 bytes; `pid` that of the whole process."""

    pid: int
    uid: int
    name: str


class FlowOwners:
    """The programs and their maps; they leave the kernel with this process.

    Raises:
        NoEbpf: they could not be loaded.
    """

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self._key = ctypes.create_string_buffer(_KEY.size)
        self._value = ctypes.create_string_buffer(_OWNER.size)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def owner(
        self, protocol: int, local: tuple[bytes, int], remote: tuple[bytes, int]
    ) -> Owner | None:
        """Who sent the first packet of this flow; None when it was not seen."""
        _KEY.pack_into(
            self._key,
            0,
            _wide(local[0]),
            _wide(remote[0]),
            local[1].to_bytes(2, "big"),
            remote[1].to_bytes(2, "big"),
            protocol,
        )
        found = _bpf(_MAP_LOOKUP, self._lookup, check=False)
        if found < 0:
            return None
        _, pid, uid, name = _OWNER.unpack(self._value.raw)
        return Owner(pid, uid, name.split(b"\0")[0].decode("utf-8", "replace"))

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _load(self) -> None:
        sockets = self._kept(_map(key=8, value=_OWNER.size, entries=_SOCKETS_KEPT))
        flows = self._kept(_map(key=_KEY.size, value=_OWNER.size, entries=_FLOWS_KEPT))
        self._lookup = struct.pack(
            "=I4xQQQ", flows, ctypes.addressof(self._key), ctypes.addressof(self._value), 0
        )
        root = _root_cgroup()
        try:
            remember = _remember_process(sockets)
            self._attach(root, _CGROUP_SOCK, _SOCK_CREATE, remember)
            for hook in _ADDRESS_HOOKS:
                self._attach(root, _CGROUP_SOCK_ADDR, hook, remember)
            self._attach(root, _CGROUP_SKB, _EGRESS, _remember_flow(sockets, flows))
        finally:
            os.close(root)

    def _attach(self, root: int, kind: int, hook: int, code: bytes) -> None:
        program = self._kept(_program(kind, hook, code))
        link = struct.pack("=IIII", program, root, hook, 0)
        self._kept(_bpf(_LINK_CREATE, link, step="attach to the control group"))

    def _kept(self, descriptor: int) -> int:
        self._descriptors.append(descriptor)
        return descriptor


def _wide(address: bytes) -> bytes:
    return address if len(address) == 16 else _MAPPED + address


# --- loading -----------------------------------------------------------------------


_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attributes: bytes, *, step: str = "", check: bool = True) -> int:
    number = _SYSCALLS.get(platform.machine())
    if number is None:
        raise NoEbpf(f"bpf is not known on {platform.machine()}")
    buffer = ctypes.create_string_buffer(attributes.ljust(_ATTRIBUTE_SIZE, b"\0"))
    result = int(_libc.syscall(number, command, buffer, _ATTRIBUTE_SIZE))
    if result < 0 and check:
        raise NoEbpf(f"{step}: {os.strerror(ctypes.get_errno())}")
    return result


def _map(*, key: int, value: int, entries: int) -> int:
    attributes = struct.pack("=IIIII", _LRU_HASH, key, value, entries, 0)
    return _bpf(_MAP_CREATE, attributes, step="create a map")


def _program(kind: int, hook: int, code: bytes) -> int:
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
        return _bpf(_PROG_LOAD, attributes, step="load a program")
    except NoEbpf as refused:
        said = log.value.decode("utf-8", "replace").strip().splitlines()
        raise NoEbpf(f"{refused} {' '.join(said[-3:])}".strip()) from refused


def _root_cgroup() -> int:
    """The root of the unified hierarchy: where it is mounted, else a mount of our own
    that nobody else sees.
    """
    for line in Path("/proc/self/mounts").read_text("utf-8", "replace").splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return _detached_cgroup_mount()


_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432  # the same on every architecture
_FSCONFIG_CMD_CREATE = 6


def _detached_cgroup_mount() -> int:
    context = _libc.syscall(_FSOPEN, b"cgroup2", 1)
    if context < 0:
        raise NoEbpf(f"open cgroup2: {os.strerror(ctypes.get_errno())}")
    try:
        if _libc.syscall(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0) < 0:
            raise NoEbpf(f"create cgroup2: {os.strerror(ctypes.get_errno())}")
        mounted = int(_libc.syscall(_FSMOUNT, context, 1, 0))
        if mounted < 0:
            raise NoEbpf(f"mount cgroup2: {os.strerror(ctypes.get_errno())}")
        return mounted
    finally:
        os.close(context)


# --- the programs ------------------------------------------------------------------

_CALL, _EXIT, _GOTO = 0x85, 0x95, 0x05
_MOV, _MOV_X, _ADD, _RSH, _LSH, _AND = 0xB7, 0xBF, 0x07, 0x77, 0x67, 0x57
_LOAD_B, _LOAD_H, _LOAD_W, _LOAD_D = 0x71, 0x69, 0x61, 0x79
_STORE_W, _STORE_D, _STORE_H = 0x63, 0x7B, 0x6B
_STORE_CONST_W, _STORE_CONST_D = 0x62, 0x7A
_JEQ, _JNE, _JSET, _JNE_X = 0x15, 0x55, 0x45, 0x5D
_WIDE = 0x18

_LOOKUP, _UPDATE, _PID, _UID, _COMM, _LOAD_BYTES, _COOKIE = 1, 2, 14, 15, 16, 26, 46

_OWNER_AT, _COOKIE_AT, _KEY_AT, _HEADER_AT = -32, -40, -80, -104
_SPORT, _DPORT, _PROTO = _KEY_AT + 32, _KEY_AT + 34, _KEY_AT + 36


class _Program:
    """Instructions with forward and backward labels; registers by number."""

    def __init__(self) -> None:
        self._code: list[tuple[int, int, int, int | str, int]] = []
        self._labels: dict[str, int] = {}

    def op(self, code: int, *, to: int = 0, of: int = 0, offset: int = 0, value: int = 0) -> None:
        self._code.append((code, to, of, offset, value))

    def jump(self, label: str, code: int = _GOTO, *, of: int = 0, value: int = 0) -> None:
        self._code.append((code, of, 0, label, value))

    def jump_differs(self, label: str, one: int, other: int) -> None:
        self._code.append((_JNE_X, one, other, label, 0))

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def call(self, helper: int) -> None:
        self.op(_CALL, value=helper)

    def map(self, to: int, descriptor: int) -> None:
        self.op(_WIDE, to=to, of=1, value=descriptor)  # BPF_PSEUDO_MAP_FD
        self.op(0)

    def address(self, to: int, offset: int) -> None:
        """A place on the stack."""
        self.op(_MOV_X, to=to, of=10)
        self.op(_ADD, to=to, value=offset)

    def load_bytes(self, to: int, length: int, *, base: int | None, offset: int) -> None:
        """Packet bytes from `offset` (behind register `base`) on; else `allow`."""
        self.op(_MOV_X, to=1, of=6)
        if base is None:
            self.op(_MOV, to=2, value=offset)
        else:
            self.op(_MOV_X, to=2, of=base)
            self.op(_ADD, to=2, value=offset)
        self.address(3, to)
        self.op(_MOV, to=4, value=length)
        self.call(_LOAD_BYTES)
        self.jump("allow", _JNE, of=0, value=0)

    def allow(self) -> None:
        self.label("allow")
        self.op(_MOV, to=0, value=1)
        self.op(_EXIT)

    def assembled(self) -> bytes:
        return b"".join(
            struct.pack(
                "=BBhi",
                code,
                to | of << 4,
                self._labels[offset] - place - 1 if isinstance(offset, str) else offset,
                value,
            )
            for place, (code, to, of, offset, value) in enumerate(self._code)
        )


def _remember_process(sockets: int) -> bytes:
    """sockets[cookie] = the process that runs now."""
    program = _Program()
    program.op(_MOV_X, to=6, of=1)
    program.call(_COOKIE)
    program.op(_STORE_D, to=10, of=0, offset=_COOKIE_AT)
    program.op(_STORE_D, to=10, of=0, offset=_OWNER_AT)
    program.call(_PID)
    program.op(_RSH, to=0, value=32)
    program.op(_STORE_W, to=10, of=0, offset=_OWNER_AT + 8)
    program.call(_UID)
    program.op(_STORE_W, to=10, of=0, offset=_OWNER_AT + 12)
    program.address(1, _OWNER_AT + 16)
    program.op(_MOV, to=2, value=16)
    program.call(_COMM)
    _update(program, sockets, _COOKIE_AT)
    program.allow()
    return program.assembled()


def _remember_flow(sockets: int, flows: int) -> bytes:
    """flows[addresses, ports] = sockets[cookie], for first packets."""
    program = _Program()
    program.op(_MOV_X, to=6, of=1)
    _fill_key(program)
    program.op(_MOV_X, to=1, of=6)
    program.call(_COOKIE)
    program.jump("allow", _JEQ, of=0, value=0)
    program.op(_STORE_D, to=10, of=0, offset=_COOKIE_AT)
    program.op(_MOV_X, to=9, of=0)
    program.map(1, flows)
    program.address(2, _KEY_AT)
    program.call(_LOOKUP)
    program.jump("unseen", _JEQ, of=0, value=0)
    program.op(_LOAD_D, to=1, of=0)
    program.jump_differs("unseen", 1, 9)
    program.jump("allow")
    program.label("unseen")
    program.map(1, sockets)
    program.address(2, _COOKIE_AT)
    program.call(_LOOKUP)
    program.jump("allow", _JEQ, of=0, value=0)
    for word in range(0, _OWNER.size, 8):
        program.op(_LOAD_D, to=1, of=0, offset=word)
        program.op(_STORE_D, to=10, of=1, offset=_OWNER_AT + word)
    _update(program, flows, _KEY_AT)
    program.allow()
    return program.assembled()


def _update(program: _Program, table: int, key: int) -> None:
    program.map(1, table)
    program.address(2, key)
    program.address(3, _OWNER_AT)
    program.op(_MOV, to=4, value=0)
    program.call(_UPDATE)


def _fill_key(program: _Program) -> None:
    """Leaves the flow's key on the stack; `allow`s what is no first packet.

    IPv6 extension headers are not followed: rare on sending, and the socket table
    still answers for them.
    """
    program.load_bytes(_HEADER_AT, 20, base=None, offset=0)
    program.op(_LOAD_B, to=1, of=10, offset=_HEADER_AT)
    program.op(_MOV_X, to=8, of=1)
    program.op(_RSH, to=1, value=4)
    program.jump("ipv6", _JEQ, of=1, value=6)
    program.jump("allow", _JNE, of=1, value=4)
    program.op(_AND, to=8, value=15)
    program.op(_LSH, to=8, value=2)
    program.op(_LOAD_B, to=7, of=10, offset=_HEADER_AT + 9)
    for place, source in ((0, 12), (16, 16)):
        program.op(_STORE_CONST_D, to=10, offset=_KEY_AT + place, value=0)
        program.op(_MOV, to=1, value=struct.unpack("=i", b"\0\0\xff\xff")[0])
        program.op(_STORE_W, to=10, of=1, offset=_KEY_AT + place + 8)
        program.op(_LOAD_W, to=1, of=10, offset=_HEADER_AT + source)
        program.op(_STORE_W, to=10, of=1, offset=_KEY_AT + place + 12)
    program.jump("transport")
    program.label("ipv6")
    program.op(_LOAD_B, to=7, of=10, offset=_HEADER_AT + 6)
    program.op(_MOV, to=8, value=40)
    program.load_bytes(_KEY_AT, 32, base=None, offset=8)
    program.label("transport")
    program.op(_STORE_W, to=10, of=7, offset=_PROTO)
    program.op(_STORE_CONST_W, to=10, offset=_SPORT, value=0)
    for protocol in (6, 17, 132, 136, 33, 1, 58):
        program.jump(f"with {protocol}", _JEQ, of=7, value=protocol)
    program.jump("done")
    program.label("with 6")
    program.load_bytes(_HEADER_AT, 1, base=8, offset=13)
    program.op(_LOAD_B, to=1, of=10, offset=_HEADER_AT)
    program.jump("ports", _JSET, of=1, value=0x02)
    program.jump("allow")
    for protocol in (17, 132, 136, 33):
        program.label(f"with {protocol}")
    program.label("ports")
    program.load_bytes(_SPORT, 4, base=8, offset=0)
    program.jump("done")
    for protocol in (1, 58):
        program.label(f"with {protocol}")
    program.load_bytes(_HEADER_AT, 8, base=8, offset=0)
    program.op(_LOAD_B, to=1, of=10, offset=_HEADER_AT)
    for request in (8, 128):
        program.jump("identified", _JEQ, of=1, value=request)
    program.jump("done")
    program.label("identified")
    program.op(_LOAD_H, to=1, of=10, offset=_HEADER_AT + 4)
    program.op(_STORE_H, to=10, of=1, offset=_SPORT)
    program.label("done")
