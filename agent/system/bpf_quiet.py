"""The part of the packet filter that drops what has told enough (`agent.quiet`).

It runs when the remote address is in the scratch cells, the transport's number in
`M_NEXT`, and X is the transport's offset.
"""

from collections.abc import Iterable, Mapping

from agent.quiet import Key, Mute, Sweep, Way
from agent.system.bpf_assembler import (
    AND,
    JEQ,
    LD_B_X,
    LD_H_X,
    LD_MEM,
    LD_W,
    LD_W_X,
    RET,
    Assembler,
)

M_NEXT = 4
"""Scratch cell of the transport's number; 0 to 3 hold the remote address."""
M_LINK = 6
"""Scratch cell of the interface index that a frame counts as."""
PACKET_TYPE = 0xFFFFF004  # SKF_AD_OFF + SKF_AD_PKTTYPE
PACKET_OUTGOING = 4

_TCP = 6
_WITH_PORTS = frozenset((_TCP, 17, 33, 132, 136))  # UDP, DCCP, SCTP, UDP-Lite
_ECHO = {1: (8, 0), 58: (128, 129)}  # request and reply of ICMP and ICMPv6
_SYN, _SYN_ACK = 0x02, 0x12
_FLOWS_MOST = 64
_KINDS_MOST = 8
_SWEEPS_MOST = 8


def drop_muted(program: Assembler, muted: Mapping[Key, Mute]) -> None:
    """Flows of one family, at most 64 of at most 8 protocols, ways and links."""
    kinds: dict[tuple[int, Way, int], list[Key]] = {}
    for key, (way, link) in sorted(muted.items())[:_FLOWS_MOST]:
        kinds.setdefault((key.protocol, way, link), []).append(key)
    for (protocol, way, link), keys in sorted(kinds.items())[:_KINDS_MOST]:
        end = f"muted {len(program)} done"
        _unless_protocol(program, protocol, end)
        _unless_way(program, way, end)
        program.op(LD_MEM, M_LINK)
        program.unless(JEQ, link, end)
        for key in keys:
            after = f"muted {len(program)}"
            _compare_remote(program, key.remote, otherwise=after)
            _drop_flow(program, key, way, otherwise=after)
            program.label(after)
        program.label(end)


def drop_swept(program: Assembler, sweeps: Iterable[Sweep]) -> None:
    """What asks, never what answers."""
    for sweep in sorted(sweeps)[:_SWEEPS_MOST]:
        end = f"swept {len(program)} done"
        _unless_protocol(program, sweep.protocol, end)
        _unless_way(program, sweep.way, end)
        _compare_remote(program, sweep.remote, otherwise=end)
        if sweep.port and sweep.protocol in _WITH_PORTS:
            program.op(LD_H_X, 2)
            program.jump(JEQ, sweep.port, false=end)
        if sweep.protocol == _TCP:
            program.op(LD_B_X, 13)
            program.op(AND, _SYN_ACK)
            program.jump(JEQ, _SYN, false=end)
        elif sweep.protocol in _ECHO:
            program.op(LD_B_X, 0)
            program.jump(JEQ, _ECHO[sweep.protocol][1], true=end)
        program.op(RET, 0)
        program.label(end)


def _unless_protocol(program: Assembler, protocol: int, end: str) -> None:
    program.op(LD_MEM, M_NEXT)
    program.unless(JEQ, protocol, end)


def _unless_way(program: Assembler, way: Way, end: str) -> None:
    if way == "both":
        return
    program.op(LD_W, PACKET_TYPE)
    jump = program.unless if way == "out" else program.when
    jump(JEQ, PACKET_OUTGOING, end)


def _compare_remote(program: Assembler, remote: bytes, *, otherwise: str) -> None:
    for word in range(0, len(remote), 4):
        program.op(LD_MEM, word // 4)
        wanted = int.from_bytes(remote[word : word + 4], "big")
        program.jump(JEQ, wanted, false=otherwise)


def _drop_flow(program: Assembler, key: Key, way: Way, *, otherwise: str) -> None:
    if key.protocol in _WITH_PORTS:
        program.op(LD_W_X, 0)
        if way != "in":
            program.drop_when(JEQ, key.local_port << 16 | key.remote_port)
        if way != "out":
            program.drop_when(JEQ, key.remote_port << 16 | key.local_port)
        return
    if key.protocol in _ECHO:
        request, reply = _ECHO[key.protocol]
        echo = f"echo {len(program)}"
        program.op(LD_B_X, 0)
        program.jump(JEQ, request, true=echo)
        program.jump(JEQ, reply, false=otherwise)
        program.label(echo)
        program.op(LD_H_X, 4)
        program.drop_when(JEQ, key.local_port or key.remote_port)
        return
    program.op(RET, 0)
