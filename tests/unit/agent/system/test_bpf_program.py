"""eBPF as bytes: Documentation/bpf/standardization/instruction-set.rst."""

import struct

import pytest

from agent.system.bpf_program import EXIT, GOTO, JNE, LOAD_BYTES, MOV, Program


def instructions(program: Program) -> list[tuple[int, int, int, int]]:
    """Code, both registers in one octet, offset, constant."""
    return list(struct.iter_unpack("=BBhi", program.assembled()))


def test_an_instruction_has_eight_octets_with_the_target_register_below():
    program = Program()

    program.op(MOV, to=3, of=10, offset=-8, value=-2)

    assert program.assembled() == bytes.fromhex("b7a3f8fffeffffff")


def test_a_jump_counts_from_the_instruction_after_it_forward_and_back():
    program = Program()
    program.label("begin")
    program.jump("end", JNE, of=2, value=7)
    program.jump("begin")
    program.label("end")
    program.op(EXIT)

    assert instructions(program) == [(JNE, 2, 1, 7), (GOTO, 0, -2, 0), (EXIT, 0, 0, 0)]


def test_a_map_takes_two_instructions_and_labels_behind_it_know():
    program = Program()
    program.jump("end")
    program.map(1, 9)
    program.label("end")
    program.op(EXIT)

    first, wide, rest, _ = instructions(program)

    assert first == (GOTO, 0, 2, 0)
    assert (wide, rest) == ((0x18, 0x11, 0, 9), (0, 0, 0, 0))


def test_bytes_that_cannot_be_read_let_the_packet_pass():
    program = Program()
    program.load_bytes(-16, 4, base=None, offset=12)
    program.allow()

    found = instructions(program)

    allow = len(found) - 2
    place = next(n for n, each in enumerate(found) if each[0] == JNE)
    assert (0x85, 0, 0, LOAD_BYTES) in found
    assert place + 1 + found[place][2] == allow
    assert found[allow:] == [(MOV, 0, 0, 1), (EXIT, 0, 0, 0)]


def test_a_label_that_nobody_set_is_no_program():
    program = Program()
    program.jump("nowhere")

    with pytest.raises(KeyError, match="nowhere"):
        program.assembled()
