"""Classic BPF: codes, and an assembler with labels.

linux/filter.h, linux/bpf_common.h; Documentation/networking/filter.rst.
"""

import struct
from collections.abc import Sequence

LIMIT = 4096  # BPF_MAXINSNS

LD_W, LD_H, LD_B = 0x20, 0x28, 0x30
LDX_MEM, LDX_HEADER = 0x61, 0xB1
LD_W_X, LD_H_X, LD_B_X, LD_MEM, ST = 0x40, 0x48, 0x50, 0x60, 0x02
LD_IMMEDIATE, LDX_IMMEDIATE, STX = 0x00, 0x01, 0x03
LD_LENGTH = 0x80
JA, JEQ, JGT, JGE, JSET = 0x05, 0x15, 0x25, 0x35, 0x45
JGT_X = 0x2D
SUB, ADD, ADD_X, LSH, AND, RET = 0x14, 0x04, 0x0C, 0x64, 0x54, 0x06

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""


class FilterTooLong(Exception):
    """More than the kernel takes even without any prefix."""


class Assembler:
    """Instructions in order, with forward labels.

    Conditional jumps reach 255 instructions, `goto` any distance.
    """

    def __init__(self) -> None:
        self._code: list[tuple[int, str, str, int, str]] = []
        self._labels: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._code)

    def op(self, code: int, constant: int = 0) -> None:
        self._code.append((code, "", "", constant, ""))

    def jump(self, code: int, constant: int, *, true: str = "", false: str = "") -> None:
        """To a label near by when the comparison holds or fails; else on."""
        self._code.append((code, true, false, constant, ""))

    def goto(self, label: str) -> None:
        self._code.append((JA, "", "", 0, label))

    def unless(self, code: int, constant: int, label: str) -> None:
        """To a label at any distance when the comparison fails."""
        self._near(code, constant, skip_when=True)
        self.goto(label)

    def when(self, code: int, constant: int, label: str) -> None:
        """To a label at any distance when the comparison holds."""
        self._near(code, constant, skip_when=False)
        self.goto(label)

    def drop_when(self, code: int, constant: int) -> None:
        self._near(code, constant, skip_when=False)
        self.op(RET, 0)

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def assembled(self) -> tuple[Instruction, ...]:
        """The program.

        Raises:
            FilterTooLong: more than 4096 instructions.
        """
        if len(self._code) > LIMIT:
            raise FilterTooLong(f"{len(self._code)} instructions")
        return tuple(self._resolved(place) for place in range(len(self._code)))

    def _near(self, code: int, constant: int, *, skip_when: bool) -> None:
        """Skips the next instruction when the comparison is (not) true."""
        after = f"+{len(self._code) + 2}"
        self._labels[after] = len(self._code) + 2
        if skip_when:
            self.jump(code, constant, true=after)
        else:
            self.jump(code, constant, false=after)

    def _resolved(self, place: int) -> Instruction:
        code, true, false, constant, far = self._code[place]
        if far:
            return code, 0, 0, self._labels[far] - place - 1
        return code, self._distance(true, place), self._distance(false, place), constant

    def _distance(self, label: str, place: int) -> int:
        distance = self._labels[label] - place - 1 if label else 0
        assert 0 <= distance <= 255, f"{label} is {distance} away"
        return distance


def packed(program: Sequence[Instruction]) -> bytes:
    """As an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
