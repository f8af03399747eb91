import pytest

from agent.system.bpf_assembler import JEQ, LD_W, LIMIT, RET, Assembler, FilterTooLong, packed


def test_a_far_label_is_reached_over_more_than_255_instructions():
    program = Assembler()
    program.when(JEQ, 7, "end")
    for _ in range(300):
        program.op(LD_W, 0)
    program.label("end")
    program.op(RET, 1)

    assembled = program.assembled()

    assert assembled[0] == (JEQ, 0, 1, 7)
    assert assembled[1] == (0x05, 0, 0, 300)


def test_more_instructions_than_the_kernel_takes_are_refused():
    program = Assembler()
    for _ in range(LIMIT + 1):
        program.op(RET, 0)

    with pytest.raises(FilterTooLong, match="4097"):
        program.assembled()


def test_a_program_is_packed_as_the_kernels_structure():
    program = Assembler()
    program.op(RET, 5)

    assert packed(program.assembled()) == bytes.fromhex("0600000005000000")
