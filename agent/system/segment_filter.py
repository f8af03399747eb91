"""The packet filter of the segment: what passes are only the few frames in which hosts
introduce themselves, and only on the links that are asked about.

Everything else, at whatever rate, ends in the kernel (linux/filter.h; the offsets are those
of an Ethernet frame, SKF_AD_* are the kernel's own words about it).
"""

from collections.abc import Collection, Sequence

from agent.system.bpf_assembler import (
    JEQ,
    JGE,
    JGT,
    JSET,
    LD_B,
    LD_H,
    LD_W,
    RET,
    Assembler,
    Instruction,
)
from agent.system.segment_frames import (
    DHCP_SERVER,
    ETH_P_ARP,
    ETH_P_IP,
    ETH_P_IPV6,
    ETH_P_LLDP,
    ICMPV6,
    NEIGHBOUR_ADVERTISEMENT,
    ROUTER_SOLICITATION,
    UDP,
)

SNAP = 1514
"""Bytes of a frame that are kept: DHCP options may fill it."""
_AD = 0xFFFFF000  # SKF_AD_OFF
_PACKET_TYPE, _LINK, _HARDWARE = _AD + 4, _AD + 8, _AD + 28
_OUTGOING, _ETHERNET = 4, 1  # linux/if_packet.h, linux/if_arp.h
_LDX_IPV4_LENGTH, _LD_H_INDEXED = 0xB1, 0x48  # BPF_MSH, BPF_IND
_ETHERTYPE, _IPV4, _IPV4_PROTOCOL, _IPV4_FRAGMENT = 12, 14, 23, 20
_UDP_DESTINATION = _IPV4 + 2  # behind the header whose length is in X
_IPV6_NEXT, _ICMPV6_TYPE = 20, 54
_FRAGMENT_OFFSET = 0x1FFF


def hosts_program(links: Collection[int]) -> Sequence[Instruction]:
    """ARP, neighbour discovery and DHCP requests that arrive on these links (indices)."""
    code = _arriving_on(links)
    code.op(LD_H, _ETHERTYPE)
    code.jump(JEQ, ETH_P_ARP, true="pass")
    code.jump(JEQ, ETH_P_IPV6, true="ipv6")
    code.jump(JEQ, ETH_P_IP, false="drop")
    code.op(LD_B, _IPV4_PROTOCOL)
    code.jump(JEQ, UDP, false="drop")
    code.op(LD_H, _IPV4_FRAGMENT)
    code.jump(JSET, _FRAGMENT_OFFSET, true="drop")
    code.op(_LDX_IPV4_LENGTH, _IPV4)
    code.op(_LD_H_INDEXED, _UDP_DESTINATION)
    code.jump(JEQ, DHCP_SERVER, true="pass", false="drop")
    code.label("ipv6")
    code.op(LD_B, _IPV6_NEXT)
    code.jump(JEQ, ICMPV6, false="drop")
    code.op(LD_B, _ICMPV6_TYPE)
    code.jump(JGT, NEIGHBOUR_ADVERTISEMENT, true="drop")
    code.jump(JGE, ROUTER_SOLICITATION, true="pass", false="drop")
    return _ended(code)


def lldp_program(links: Collection[int]) -> Sequence[Instruction]:
    """LLDP that arrives on these links."""
    code = _arriving_on(links)
    code.op(LD_H, _ETHERTYPE)
    code.jump(JEQ, ETH_P_LLDP, true="pass", false="drop")
    return _ended(code)


def _arriving_on(links: Collection[int]) -> Assembler:
    """At the label `here` the frame came in by Ethernet over one of these links."""
    code = Assembler()
    code.op(LD_W, _LINK)
    for index in sorted(links):
        code.when(JEQ, index, "here")
    code.op(RET, 0)
    code.label("here")
    code.op(LD_W, _PACKET_TYPE)
    code.drop_when(JEQ, _OUTGOING)
    code.op(LD_W, _HARDWARE)
    code.jump(JEQ, _ETHERNET, false="drop")
    return code


def _ended(code: Assembler) -> Sequence[Instruction]:
    code.label("drop")
    code.op(RET, 0)
    code.label("pass")
    code.op(RET, SNAP)
    return code.assembled()
