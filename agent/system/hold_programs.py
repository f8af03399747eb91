"""The eBPF programs that hold a medium: nobody but the agent opens its device.

Runs before every opening of a device node, and before every mount (BPF_CGROUP_DEVICE:
linux/bpf.h, kernel/bpf/cgroup.c; asked by `blkdev_get_by_dev` and `inode_permission`), for
every process, root's too.  A number that nobody has allowed is refused, so a medium is held
before anybody has heard of it.
"""

from agent.system.bpf_program import (
    ADD,
    AND,
    CALL,
    DELETE,
    EXIT,
    JEQ,
    JNE,
    LOAD_D,
    LOAD_W,
    LOOKUP,
    MOV,
    MOV_X,
    PID,
    RSH,
    STORE_CONST_W,
    STORE_D,
    STORE_W,
    Program,
)

BLOCK, CHARACTER = 1, 2
"""BPF_DEVCG_DEV_BLOCK and _CHAR."""
UNLESS_ALLOWED, WHEN_HELD = 1, 2
"""What is done with a major number: refused unless the number was allowed, or only when it is
held.
"""
ALLOWED, HELD = 1, 2
MINORS_MOST = 32
"""Numbers of one disk with its partitions: 16 of sd (SD_MINORS), 8 of mmcblk, up to 32 of nbd."""

_CGROUP_ID, _READ_KERNEL = 80, 113
_JLE = 0xB5
_READ_OR_WRITE = 2 | 4  # BPF_DEVCG_ACC_*; making a node (1) opens nothing
_KEY_AT, _KEEPER_AT = -16, -24
_MINOR_AT = _KEY_AT + 8


def gate(majors: int, numbers: int, keepers: int) -> bytes:
    """1 lets it pass, 0 refuses with EPERM.

    `majors`: {kind, major} u32 each → how it is guarded u32.  `numbers`: {kind, major, minor}
    → ALLOWED or HELD u32.  `keepers`: process u64 → its control group u64.
    """
    program = Program()
    program.op(MOV_X, to=6, of=1)
    program.op(LOAD_W, to=7, of=6, offset=0)
    program.op(MOV_X, to=8, of=7)
    program.op(RSH, to=7, value=16)
    program.op(AND, to=7, value=_READ_OR_WRITE)
    program.jump("allow", JEQ, of=7, value=0)
    program.op(AND, to=8, value=0xFFFF)
    program.op(STORE_W, to=10, of=8, offset=_KEY_AT)
    for place in (4, 8):
        program.op(LOAD_W, to=1, of=6, offset=place)
        program.op(STORE_W, to=10, of=1, offset=_KEY_AT + place)
    _look_up(program, majors, _KEY_AT)
    program.jump("allow", JEQ, of=0, value=0)
    program.op(LOAD_W, to=9, of=0)
    _look_up(program, numbers, _KEY_AT)
    program.jump("unheard", JEQ, of=0, value=0)
    program.op(LOAD_W, to=1, of=0)
    program.jump("allow", JEQ, of=1, value=ALLOWED)
    program.jump("keeper")
    program.label("unheard")
    program.jump("allow", JEQ, of=9, value=WHEN_HELD)
    program.label("keeper")
    _refuse_unless_keeper(program, keepers)
    program.allow()
    return program.assembled()


def forget_disk(numbers: int, *, disk_at: int) -> bytes:
    """A kprobe: what was allowed for a disk that comes or goes is forgotten, so the next
    medium with its numbers is held.

    `disk_at` is the place of the argument `struct gendisk *` in struct pt_regs; that begins
    with major, first_minor and minors (linux/blkdev.h, so since 2.6).
    """
    program = Program()
    program.op(LOAD_D, to=3, of=1, offset=disk_at)
    program.address(1, _KEEPER_AT - 8)
    program.op(MOV, to=2, value=12)
    program.op(CALL, value=_READ_KERNEL)
    program.jump("end", JNE, of=0, value=0)
    program.op(LOAD_W, to=7, of=10, offset=_KEEPER_AT - 8)
    program.op(LOAD_W, to=8, of=10, offset=_KEEPER_AT - 4)
    program.op(LOAD_W, to=9, of=10, offset=_KEEPER_AT)
    program.op(STORE_CONST_W, to=10, offset=_KEY_AT, value=BLOCK)
    program.op(STORE_W, to=10, of=7, offset=_KEY_AT + 4)
    for number in range(MINORS_MOST):
        program.op(STORE_W, to=10, of=8, offset=_MINOR_AT)
        _delete(program, numbers)
        program.op(ADD, to=8, value=1)
        program.jump("end", _JLE, of=9, value=number + 1)
    return _ended(program)


def forget_minor(numbers: int, *, minor_at: int, major: int) -> bytes:
    """A kprobe of `blk_free_ext_minor`: one number of the major that disks share."""
    program = Program()
    program.op(LOAD_D, to=7, of=1, offset=minor_at)
    program.op(STORE_CONST_W, to=10, offset=_KEY_AT, value=BLOCK)
    program.op(STORE_CONST_W, to=10, offset=_KEY_AT + 4, value=major)
    program.op(STORE_W, to=10, of=7, offset=_MINOR_AT)
    _delete(program, numbers)
    return _ended(program)


def _refuse_unless_keeper(program: Program, keepers: int) -> None:
    """The process by its number and its control group: numbers are given again."""
    program.call(PID)
    program.op(RSH, to=0, value=32)
    program.op(STORE_D, to=10, of=0, offset=_KEEPER_AT)
    _look_up(program, keepers, _KEEPER_AT)
    program.jump("refuse", JEQ, of=0, value=0)
    program.op(LOAD_D, to=7, of=0)
    program.call(_CGROUP_ID)
    program.jump_differs("refuse", 0, 7)
    program.jump("allow")
    program.label("refuse")
    program.op(MOV, to=0, value=0)
    program.op(EXIT)


def _look_up(program: Program, table: int, key_at: int) -> None:
    program.map(1, table)
    program.address(2, key_at)
    program.call(LOOKUP)


def _delete(program: Program, numbers: int) -> None:
    program.map(1, numbers)
    program.address(2, _KEY_AT)
    program.call(DELETE)


def _ended(program: Program) -> bytes:
    program.label("end")
    program.op(MOV, to=0, value=0)
    program.op(EXIT)
    return program.assembled()
