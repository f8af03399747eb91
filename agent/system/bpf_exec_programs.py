"""The eBPF programs that note what every process was started with.

For tracepoints: an exec is announced (sys_enter_execve, sys_enter_execveat), succeeds
(sched_process_exec), or a process is made without one (sched_process_fork).
"""

from agent.system.bpf_program import (
    ADD,
    ADD_X,
    AND,
    DELETE,
    EXIT,
    JEQ,
    JGT,
    JNE,
    JSLE,
    LOAD_D,
    LOAD_W,
    LOOKUP,
    MOV,
    MOV_X,
    PID,
    READ_KERNEL_STRING,
    READ_USER,
    READ_USER_STRING,
    RSH,
    STORE_CONST_D,
    STORE_CONST_W,
    STORE_D,
    STORE_W,
    UPDATE,
    Program,
)

FILE_SIZE = 256
"""The file name of an exec, cut off there."""
ARGUMENTS_MOST, _ARGUMENT_MOST, _ARGUMENTS_READ = 384, 256, 24
COMMAND_HEAD = 8
COMMAND_SIZE = COMMAND_HEAD + ARGUMENTS_MOST + _ARGUMENT_MOST
"""Whether the exec succeeded u32, octets u32 · the arguments, each with its NUL."""

_PID_AT, _POINTER_AT, _ZERO_AT = -8, -16, -24
_FILE_AT = -24 - FILE_SIZE


def remember_arguments(scratch: int, commands: int, *, argv: int) -> bytes:
    """commands[pid] = the arguments of the exec that begins.

    `argv` is the place of the pointer to them in the tracepoint's record, `scratch` an
    array of one value for each processor.  What is not in memory just now is left out.
    """
    program = Program()
    program.op(MOV_X, to=6, of=1)
    program.op(LOAD_D, to=8, of=6, offset=argv)
    program.op(STORE_CONST_W, to=10, offset=_ZERO_AT, value=0)
    program.map(1, scratch)
    program.address(2, _ZERO_AT)
    program.call(LOOKUP)
    program.jump("end", JEQ, of=0, value=0)
    program.op(MOV_X, to=7, of=0)
    program.op(MOV, to=9, value=0)
    for number in range(_ARGUMENTS_READ):
        _copy_argument(program, number)
    program.label("copied")
    program.op(STORE_CONST_W, to=7, offset=0, value=0)
    program.op(STORE_W, to=7, of=9, offset=4)
    _own_pid(program)
    program.map(1, commands)
    program.address(2, _PID_AT)
    program.op(MOV_X, to=3, of=7)
    program.op(MOV, to=4, value=0)
    program.call(UPDATE)
    return _ended(program)


def remember_file(files: int, commands: int) -> bytes:
    """files[pid] = the file name of this exec, whose arguments are valid from now on."""
    program = Program()
    program.op(MOV_X, to=6, of=1)
    for place in range(0, FILE_SIZE, 8):
        program.op(STORE_CONST_D, to=10, offset=_FILE_AT + place, value=0)
    program.op(LOAD_W, to=1, of=6, offset=8)  # __data_loc: length << 16 | offset
    program.op(AND, to=1, value=0xFFFF)
    program.op(MOV_X, to=3, of=6)
    program.op(ADD_X, to=3, of=1)
    program.address(1, _FILE_AT)
    program.op(MOV, to=2, value=FILE_SIZE)
    program.call(READ_KERNEL_STRING)
    _own_pid(program)
    program.map(1, files)
    program.address(2, _PID_AT)
    program.address(3, _FILE_AT)
    program.op(MOV, to=4, value=0)
    program.call(UPDATE)
    program.map(1, commands)
    program.address(2, _PID_AT)
    program.call(LOOKUP)
    program.jump("end", JEQ, of=0, value=0)
    program.op(STORE_CONST_W, to=0, offset=0, value=1)
    return _ended(program)


def remember_parent(parents: int, files: int, commands: int, *, child: int) -> bytes:
    """parents[child] = the process that runs now; what an earlier owner of that pid was
    started with is forgotten.  `child` is the pid's place in the tracepoint's record.
    """
    program = Program()
    program.op(MOV_X, to=6, of=1)
    program.op(LOAD_W, to=1, of=6, offset=child)
    program.op(STORE_W, to=10, of=1, offset=_POINTER_AT)
    _own_pid(program)
    program.map(1, parents)
    program.address(2, _POINTER_AT)
    program.address(3, _PID_AT)
    program.op(MOV, to=4, value=0)
    program.call(UPDATE)
    for table in (files, commands):
        program.map(1, table)
        program.address(2, _POINTER_AT)
        program.call(DELETE)
    return _ended(program)


def _copy_argument(program: Program, number: int) -> None:
    """Behind the `r9` octets that r7 already holds; `copied` at the end of the list."""
    program.address(1, _POINTER_AT)
    program.op(MOV, to=2, value=8)
    program.op(MOV_X, to=3, of=8)
    program.op(ADD, to=3, value=8 * number)
    program.call(READ_USER)
    program.jump("copied", JNE, of=0, value=0)
    program.op(LOAD_D, to=3, of=10, offset=_POINTER_AT)
    program.jump("copied", JEQ, of=3, value=0)
    program.jump("copied", JGT, of=9, value=ARGUMENTS_MOST - 1)
    program.op(MOV_X, to=1, of=7)
    program.op(ADD, to=1, value=COMMAND_HEAD)
    program.op(ADD_X, to=1, of=9)
    program.op(MOV, to=2, value=_ARGUMENT_MOST)
    program.call(READ_USER_STRING)
    program.jump("copied", JSLE, of=0, value=0)
    program.jump("copied", JGT, of=0, value=_ARGUMENT_MOST)
    program.op(ADD_X, to=9, of=0)


def _own_pid(program: Program) -> None:
    program.call(PID)
    program.op(RSH, to=0, value=32)
    program.op(STORE_D, to=10, of=0, offset=_PID_AT)


def _ended(program: Program) -> bytes:
    program.label("end")
    program.op(MOV, to=0, value=0)
    program.op(EXIT)
    return program.assembled()
