"""Assembler of eBPF: Documentation/bpf/standardization/instruction-set.rst.

Helper numbers: enum bpf_func_id of linux/bpf.h.
"""

import struct

CALL, EXIT, GOTO = 0x85, 0x95, 0x05
ADD_X = 0x0F
MOV, MOV_X, ADD, RSH, LSH, AND = 0xB7, 0xBF, 0x07, 0x77, 0x67, 0x57
LOAD_B, LOAD_H, LOAD_W, LOAD_D = 0x71, 0x69, 0x61, 0x79
STORE_W, STORE_D, STORE_H = 0x63, 0x7B, 0x6B
STORE_CONST_W, STORE_CONST_D = 0x62, 0x7A
JEQ, JNE, JSET, JNE_X, JGT, JSLE = 0x15, 0x55, 0x45, 0x5D, 0x25, 0xD5
WIDE = 0x18


LOOKUP, UPDATE, DELETE, PID, UID, COMM, LOAD_BYTES, COOKIE = 1, 2, 3, 14, 15, 16, 26, 46
READ_USER, READ_USER_STRING, READ_KERNEL_STRING = 112, 114, 115


class Program:
    """Instructions with forward and backward labels; registers by number."""

    def __init__(self) -> None:
        self._code: list[tuple[int, int, int, int | str, int]] = []
        self._labels: dict[str, int] = {}

    def op(self, code: int, *, to: int = 0, of: int = 0, offset: int = 0, value: int = 0) -> None:
        self._code.append((code, to, of, offset, value))

    def jump(self, label: str, code: int = GOTO, *, of: int = 0, value: int = 0) -> None:
        self._code.append((code, of, 0, label, value))

    def jump_differs(self, label: str, one: int, other: int) -> None:
        self._code.append((JNE_X, one, other, label, 0))

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def call(self, helper: int) -> None:
        self.op(CALL, value=helper)

    def map(self, to: int, descriptor: int) -> None:
        self.op(WIDE, to=to, of=1, value=descriptor)  # BPF_PSEUDO_MAP_FD
        self.op(0)

    def address(self, to: int, offset: int) -> None:
        """A place on the stack."""
        self.op(MOV_X, to=to, of=10)
        self.op(ADD, to=to, value=offset)

    def load_bytes(self, to: int, length: int, *, base: int | None, offset: int) -> None:
        """Packet bytes from `offset` (behind register `base`) on; else `allow`."""
        self.op(MOV_X, to=1, of=6)
        if base is None:
            self.op(MOV, to=2, value=offset)
        else:
            self.op(MOV_X, to=2, of=base)
            self.op(ADD, to=2, value=offset)
        self.address(3, to)
        self.op(MOV, to=4, value=length)
        self.call(LOAD_BYTES)
        self.jump("allow", JNE, of=0, value=0)

    def allow(self) -> None:
        self.label("allow")
        self.op(MOV, to=0, value=1)
        self.op(EXIT)

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
