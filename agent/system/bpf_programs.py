"""The eBPF programs that note whose flow it is.

The socket hooks may ask for process and cookie since kernel 5.7; nothing here is newer.
"""

import struct

from agent.system.bpf_program import (
    AND,
    COMM,
    COOKIE,
    JEQ,
    JNE,
    JSET,
    LOAD_B,
    LOAD_D,
    LOAD_H,
    LOAD_W,
    LOOKUP,
    LSH,
    MOV,
    MOV_X,
    PID,
    RSH,
    STORE_CONST_D,
    STORE_CONST_W,
    STORE_D,
    STORE_H,
    STORE_W,
    UID,
    UPDATE,
    Program,
)

OWNER_SIZE, KEY_SIZE = 32, 40
"""cookie u64, pid u32, uid u32, name 16 · addresses 2 x 16, ports 2 x u16, protocol u32."""

_OWNER_AT, _COOKIE_AT, _KEY_AT, _HEADER_AT = -32, -40, -80, -104
_SPORT, _PROTO = _KEY_AT + 32, _KEY_AT + 36


def remember_process(sockets: int) -> bytes:
    """sockets[cookie] = the process that runs now."""
    program = Program()
    program.op(MOV_X, to=6, of=1)
    program.call(COOKIE)
    program.op(STORE_D, to=10, of=0, offset=_COOKIE_AT)
    program.op(STORE_D, to=10, of=0, offset=_OWNER_AT)
    program.call(PID)
    program.op(RSH, to=0, value=32)
    program.op(STORE_W, to=10, of=0, offset=_OWNER_AT + 8)
    program.call(UID)
    program.op(STORE_W, to=10, of=0, offset=_OWNER_AT + 12)
    program.address(1, _OWNER_AT + 16)
    program.op(MOV, to=2, value=16)
    program.call(COMM)
    _update(program, sockets, _COOKIE_AT)
    program.allow()
    return program.assembled()


def remember_flow(sockets: int, flows: int) -> bytes:
    """flows[addresses, ports] = sockets[cookie], for first packets."""
    program = Program()
    program.op(MOV_X, to=6, of=1)
    _fill_key(program)
    program.op(MOV_X, to=1, of=6)
    program.call(COOKIE)
    program.jump("allow", JEQ, of=0, value=0)
    program.op(STORE_D, to=10, of=0, offset=_COOKIE_AT)
    program.op(MOV_X, to=9, of=0)
    program.map(1, flows)
    program.address(2, _KEY_AT)
    program.call(LOOKUP)
    program.jump("unseen", JEQ, of=0, value=0)
    program.op(LOAD_D, to=1, of=0)
    program.jump_differs("unseen", 1, 9)
    program.jump("allow")
    program.label("unseen")
    program.map(1, sockets)
    program.address(2, _COOKIE_AT)
    program.call(LOOKUP)
    program.jump("allow", JEQ, of=0, value=0)
    for word in range(0, OWNER_SIZE, 8):
        program.op(LOAD_D, to=1, of=0, offset=word)
        program.op(STORE_D, to=10, of=1, offset=_OWNER_AT + word)
    _update(program, flows, _KEY_AT)
    program.allow()
    return program.assembled()


def _update(program: Program, table: int, key: int) -> None:
    program.map(1, table)
    program.address(2, key)
    program.address(3, _OWNER_AT)
    program.op(MOV, to=4, value=0)
    program.call(UPDATE)


def _fill_key(program: Program) -> None:
    """Leaves the flow's key on the stack; `allow`s what is no first packet.

    IPv6 extension headers are not followed: rare on sending, and the socket table
    still answers for them.
    """
    program.load_bytes(_HEADER_AT, 20, base=None, offset=0)
    program.op(LOAD_B, to=1, of=10, offset=_HEADER_AT)
    program.op(MOV_X, to=8, of=1)
    program.op(RSH, to=1, value=4)
    program.jump("ipv6", JEQ, of=1, value=6)
    program.jump("allow", JNE, of=1, value=4)
    program.op(AND, to=8, value=15)
    program.op(LSH, to=8, value=2)
    program.op(LOAD_B, to=7, of=10, offset=_HEADER_AT + 9)
    for place, source in ((0, 12), (16, 16)):
        program.op(STORE_CONST_D, to=10, offset=_KEY_AT + place, value=0)
        program.op(MOV, to=1, value=struct.unpack("=i", b"\0\0\xff\xff")[0])
        program.op(STORE_W, to=10, of=1, offset=_KEY_AT + place + 8)
        program.op(LOAD_W, to=1, of=10, offset=_HEADER_AT + source)
        program.op(STORE_W, to=10, of=1, offset=_KEY_AT + place + 12)
    program.jump("transport")
    program.label("ipv6")
    program.op(LOAD_B, to=7, of=10, offset=_HEADER_AT + 6)
    program.op(MOV, to=8, value=40)
    program.load_bytes(_KEY_AT, 32, base=None, offset=8)
    program.label("transport")
    program.op(STORE_W, to=10, of=7, offset=_PROTO)
    program.op(STORE_CONST_W, to=10, offset=_SPORT, value=0)
    for protocol in (6, 17, 132, 136, 33, 1, 58):
        program.jump(f"with {protocol}", JEQ, of=7, value=protocol)
    program.jump("done")
    program.label("with 6")
    program.load_bytes(_HEADER_AT, 1, base=8, offset=13)
    program.op(LOAD_B, to=1, of=10, offset=_HEADER_AT)
    program.jump("ports", JSET, of=1, value=0x02)
    program.jump("allow")
    for protocol in (17, 132, 136, 33):
        program.label(f"with {protocol}")
    program.label("ports")
    program.load_bytes(_SPORT, 4, base=8, offset=0)
    program.jump("done")
    for protocol in (1, 58):
        program.label(f"with {protocol}")
    program.load_bytes(_HEADER_AT, 8, base=8, offset=0)
    program.op(LOAD_B, to=1, of=10, offset=_HEADER_AT)
    for request in (8, 128):
        program.jump("identified", JEQ, of=1, value=request)
    program.jump("done")
    program.label("identified")
    program.op(LOAD_H, to=1, of=10, offset=_HEADER_AT + 4)
    program.op(STORE_H, to=10, of=1, offset=_SPORT)
    program.label("done")
