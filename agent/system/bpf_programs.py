"""The eBPF programs, assembled by hand: Documentation/bpf/instruction-set.rst.

Helper numbers: linux/bpf.h.  The socket hooks may ask for process and cookie since
kernel 5.7; nothing here is newer.
"""

import struct

OWNER_SIZE, KEY_SIZE, FILE_SIZE = 32, 40, 128
"""cookie u64, pid u32, uid u32, name 16 · addresses 2 x 16, ports 2 x u16, protocol u32 ·
the file name of an exec, cut off there."""

_CALL, _EXIT, _GOTO = 0x85, 0x95, 0x05
_ADD_X = 0x0F
_MOV, _MOV_X, _ADD, _RSH, _LSH, _AND = 0xB7, 0xBF, 0x07, 0x77, 0x67, 0x57
_LOAD_B, _LOAD_H, _LOAD_W, _LOAD_D = 0x71, 0x69, 0x61, 0x79
_STORE_W, _STORE_D, _STORE_H = 0x63, 0x7B, 0x6B
_STORE_CONST_W, _STORE_CONST_D = 0x62, 0x7A
_JEQ, _JNE, _JSET, _JNE_X = 0x15, 0x55, 0x45, 0x5D
_WIDE = 0x18

_LOOKUP, _UPDATE, _PID, _UID, _COMM, _LOAD_BYTES, _COOKIE = 1, 2, 14, 15, 16, 26, 46
_READ_STRING = 115  # bpf_probe_read_kernel_str

_OWNER_AT, _COOKIE_AT, _KEY_AT, _HEADER_AT = -32, -40, -80, -104
_SPORT, _PROTO = _KEY_AT + 32, _KEY_AT + 36
_FILE_AT, _PID_AT = -128, -136


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


def remember_process(sockets: int) -> bytes:
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


def remember_flow(sockets: int, flows: int) -> bytes:
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
    for word in range(0, OWNER_SIZE, 8):
        program.op(_LOAD_D, to=1, of=0, offset=word)
        program.op(_STORE_D, to=10, of=1, offset=_OWNER_AT + word)
    _update(program, flows, _KEY_AT)
    program.allow()
    return program.assembled()


def remember_file(files: int) -> bytes:
    """files[pid] = the file name of this exec; for the tracepoint sched_process_exec."""
    program = _Program()
    program.op(_MOV_X, to=6, of=1)
    program.op(_MOV, to=0, value=0)
    for place in range(0, FILE_SIZE, 8):
        program.op(_STORE_D, to=10, of=0, offset=_FILE_AT + place)
    program.op(_LOAD_W, to=1, of=6, offset=8)  # __data_loc: length << 16 | offset
    program.op(_AND, to=1, value=0xFFFF)
    program.op(_MOV_X, to=3, of=6)
    program.op(_ADD_X, to=3, of=1)
    program.address(1, _FILE_AT)
    program.op(_MOV, to=2, value=FILE_SIZE)
    program.call(_READ_STRING)
    program.call(_PID)
    program.op(_RSH, to=0, value=32)
    program.op(_STORE_W, to=10, of=0, offset=_PID_AT)
    program.map(1, files)
    program.address(2, _PID_AT)
    program.address(3, _FILE_AT)
    program.op(_MOV, to=4, value=0)
    program.call(_UPDATE)
    program.op(_MOV, to=0, value=0)
    program.op(_EXIT)
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
