"""The packet filter of name services: what passes asks for names, or answers.

Port 53 (DNS) and 853 (DNS over TLS and QUIC), UDP whole and of TCP only what opens a
connection; port 443 only with the listed servers of DNS over HTTPS.  The program runs on a
packet socket of type SOCK_DGRAM: offset 0 is the IP header (linux/filter.h).
"""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv6Network, collapse_addresses

from agent.system.bpf_assembler import (
    AND,
    JEQ,
    JGT,
    JSET,
    LD_B,
    LD_B_X,
    LD_H,
    LD_H_X,
    LD_MEM,
    LD_W,
    LDX_HEADER,
    LDX_IMMEDIATE,
    RET,
    ST,
    Assembler,
    FilterTooLong,
    Instruction,
)
from checks.plan import Network

SNAP = 1600
"""Bytes of a packet that are kept: an answer that fits an Ethernet frame."""
DNS, ENCRYPTED, HTTPS = 53, 853, 443

_TCP, _UDP = 6, 17
_AD = 0xFFFFF000  # SKF_AD_OFF
_PROTOCOL, _PACKET_TYPE, _HARDWARE, _VLAN = (_AD + offset for offset in (0, 4, 28, 48))
_LOOPBACK, _OTHERHOST = 772, 3  # linux/if_arp.h, linux/if_packet.h
_SYN = 0x02
_IPV6_HEADER = 40


def name_filter(doh: Iterable[Network]) -> Sequence[Instruction]:
    """The program for these servers of DNS over HTTPS.

    Raises:
        FilterTooLong: more of them than the kernel takes.
    """
    servers = tuple(doh)
    code = Assembler()
    for field, unwanted in ((_HARDWARE, _LOOPBACK), (_PACKET_TYPE, _OTHERHOST)):
        code.op(LD_W, field)
        code.drop_when(JEQ, unwanted)
    code.op(LD_W, _VLAN)
    code.drop_when(JGT, 0)  # the VLAN's own link shows it again
    code.op(LD_W, _PROTOCOL)
    code.when(JEQ, 0x86DD, "ipv6")
    code.unless(JEQ, 0x0800, "drop")
    _ipv4(code, servers)
    code.label("ipv6")
    _ipv6(code, servers)
    code.label("drop")
    code.op(RET, 0)
    code.label("pass")
    code.op(RET, SNAP)
    return code.assembled()


def fitting_filter(doh: Iterable[Network]) -> tuple[Sequence[Instruction], bool]:
    """The program, and whether all servers found room in it; else it knows none."""
    try:
        return name_filter(doh), True
    except FilterTooLong:
        return name_filter(()), False


def _ipv4(code: Assembler, servers: Sequence[Network]) -> None:
    code.op(LD_H, 6)
    code.when(JSET, 0x1FFF, "drop")  # not the first fragment
    code.op(LD_B, 9)
    code.op(LDX_HEADER, 0)
    _ports(code, "4", lambda: _load_v4(code, 12), lambda: _load_v4(code, 16))
    for prefix in collapse_addresses(p for p in servers if not isinstance(p, IPv6Network)):
        code.op(LD_MEM, 0)
        code.op(AND, int(prefix.netmask))
        code.when(JEQ, int(prefix.network_address), "pass")
    code.op(RET, 0)


def _load_v4(code: Assembler, offset: int) -> None:
    code.op(LD_W, offset)
    code.op(ST, 0)


def _ipv6(code: Assembler, servers: Sequence[Network]) -> None:
    code.op(LD_B, 6)
    code.op(LDX_IMMEDIATE, _IPV6_HEADER)
    _ports(code, "6", lambda: _load_v6(code, 8), lambda: _load_v6(code, 24))
    prefixes = collapse_addresses(p for p in servers if isinstance(p, IPv6Network))
    for number, prefix in enumerate(prefixes):
        after = f"not {number}"
        for word in range(4):
            shift = 96 - 32 * word
            mask = int(prefix.netmask) >> shift & 0xFFFFFFFF
            if mask:
                code.op(LD_MEM, word)
                code.op(AND, mask)
                code.jump(JEQ, int(prefix.network_address) >> shift & 0xFFFFFFFF, false=after)
        code.goto("pass")
        code.label(after)
    code.op(RET, 0)


def _load_v6(code: Assembler, offset: int) -> None:
    for word in range(4):
        code.op(LD_W, offset + 4 * word)
        code.op(ST, word)


def _ports(
    code: Assembler, family: str, load_source: Callable[[], None], load_target: Callable[[], None]
) -> None:
    """With the protocol in A and the transport header at X: passes name services, drops
    the rest, and goes on with the HTTPS server's address in the scratch cells.
    """
    asks, listed = f"asks{family}", f"listed{family}"
    code.jump(JEQ, _UDP, true=f"ports{family}")
    code.unless(JEQ, _TCP, "drop")
    code.op(LD_B_X, 13)
    code.unless(JSET, _SYN, "drop")
    code.label(f"ports{family}")
    for offset in (0, 2):
        code.op(LD_H_X, offset)
        code.when(JEQ, DNS, "pass")
        code.when(JEQ, ENCRYPTED, "pass")
    code.jump(JEQ, HTTPS, true=asks)
    code.op(LD_H_X, 0)
    code.unless(JEQ, HTTPS, "drop")
    load_source()
    code.goto(listed)
    code.label(asks)
    load_target()
    code.label(listed)
