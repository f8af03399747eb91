"""The parts of the packet filter that find the transport's header, and what has none."""

from agent.system.bpf_assembler import (
    ADD,
    ADD_X,
    JEQ,
    JGT_X,
    JSET,
    LD_B,
    LD_B_X,
    LD_H_X,
    LD_IMMEDIATE,
    LD_LENGTH,
    LD_MEM,
    LDX_IMMEDIATE,
    LDX_MEM,
    LSH,
    RET,
    ST,
    STX,
    SUB,
    Assembler,
)
from agent.system.bpf_quiet import M_NEXT

SNAP = 256
"""Bytes of a packet that are copied: enough for an ICMPv6 error with its inner packet."""
M_OFFSET = 5
"""Scratch cell of the transport's offset."""
LATER_FRAGMENT = 44
"""Left as the transport's number of what is no first fragment: its header's own (RFC 8200)."""
_EXTENSION_ROUNDS = 6
_SHORTEST_EXTENSION = 8  # octets


def follow_extensions(program: Assembler) -> None:
    """Leaves the transport's number and offset in the scratch cells.

    What still hides behind more headers than are followed passes as a protocol of its
    own; user space follows further.
    """
    program.op(LD_B, 6)
    program.op(ST, M_NEXT)
    program.op(LDX_IMMEDIATE, 40)
    program.op(STX, M_OFFSET)
    for number in range(_EXTENSION_ROUNDS):
        generic, fragment, step = (f"{name} {number}" for name in ("generic", "fragment", "step"))
        program.op(LDX_MEM, M_OFFSET)
        unless_beyond(program, _SHORTEST_EXTENSION, "v6 headers done")
        program.op(LD_MEM, M_NEXT)
        program.jump(JEQ, LATER_FRAGMENT, true=fragment)
        for extension in (0, 43, 60):
            program.jump(JEQ, extension, true=generic)
        program.goto("v6 headers done")
        program.label(fragment)
        program.op(LDX_MEM, M_OFFSET)
        program.op(LD_H_X, 2)
        program.jump(JSET, 0xFFF8, true="v6 headers done")
        program.op(LD_B_X, 0)
        program.op(ST, M_NEXT)
        program.op(LD_IMMEDIATE, 8)
        program.goto(step)
        program.label(generic)
        program.op(LDX_MEM, M_OFFSET)
        program.op(LD_B_X, 0)
        program.op(ST, M_NEXT)
        program.op(LD_B_X, 1)
        program.op(ADD, 1)
        program.op(LSH, 3)
        program.label(step)
        program.op(ADD_X)
        program.op(ST, M_OFFSET)


def unless_beyond(program: Assembler, octets: int, label: str) -> None:
    """To the label when the packet ends before so many octets from X on: a load past the
    end would drop it.
    """
    program.op(LD_LENGTH)
    program.op(SUB, octets - 1)
    program.jump(JGT_X, 0, true=f"there {len(program)}")
    program.goto(label)
    program.label(f"there {len(program) - 2}")


def pass_headless(program: Assembler, label: str, octets: int) -> None:
    """What has not even so many octets of its transport's header."""
    program.op(LD_LENGTH)
    program.op(SUB, octets - 1)
    program.jump(JGT_X, 0, true=label)
    program.op(RET, SNAP)
    program.label(label)
