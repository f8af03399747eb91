"""The packet filter in classic BPF: what the kernel need not show us.

linux/filter.h, linux/bpf_common.h; Documentation/networking/filter.rst.  The program
runs on a packet socket of type SOCK_DGRAM, so offset 0 is the IP header, on every kind
of link.  What passes is judged again with the whole policy; the filter only spares work.

Passed: the first packets of flows whose other side may be outside (TCP with SYN or RST and
a sample of its segments, first fragments, what has no whole transport header, everything of UDP, ICMP and other protocols), every ICMP error, and frames with a VLAN
tag that no link here takes off.  Dropped: loopback, frames for others, VLAN frames of a
lower link when the VLAN has a link of its own (it shows them), non-first fragments, local
addresses, neighbour discovery, the address plan's prefixes on the links where they are
inside, and what has told enough (`agent.quiet`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_network,
)
from types import MappingProxyType

from agent.quiet import Key, Mute, Sweep
from agent.system.bpf_assembler import (
    AND,
    JEQ,
    JGE,
    JGT,
    JSET,
    LD_B,
    LD_B_X,
    LD_H,
    LD_MEM,
    LD_W,
    LDX_HEADER,
    LDX_MEM,
    LIMIT,
    RET,
    ST,
    Assembler,
    Instruction,
)
from agent.system.bpf_headers import (
    M_OFFSET,
    SNAP,
    follow_extensions,
    pass_headless,
    unless_beyond,
)
from agent.system.bpf_quiet import M_NEXT, PACKET_OUTGOING, PACKET_TYPE, drop_muted, drop_swept
from agent.system.dissect import VLAN_TAGS
from agent.system.linkkind import LOOPBACK_IFINDEX
from checks.plan import LOCAL_ONLY, Network

_RESERVED = 1792  # instructions for everything but prefixes

_ANCILLARY = 0xFFFFF000  # SKF_AD_OFF
_PROTOCOL, _IFINDEX, _VLAN, _VLAN_PRESENT, _RANDOM = (
    _ANCILLARY + offset for offset in (0, 8, 44, 48, 56)
)
_LINK_LAYER = 0xFFE00000  # SKF_LL_OFF
_TAG, _TAGGED = _LINK_LAYER + 14, _LINK_LAYER + 18  # of a tag in the octets; and behind it
_VLAN_ID = 0x0FFF
_PACKET_OTHERHOST = 3
_SHORTEST_TRANSPORT, _TCP_WITH_FLAGS = 8, 14  # octets
_MORE_FRAGMENTS = 0x2000
_SAMPLED = 0x1F
"""Of TCP's segments between opening and closing one of 32 passes at random, so that a
conversation that never opened, or went on over another link, is still met."""
_VLANS_MOST = 64


@dataclass(frozen=True, slots=True)
class LinkRules:
    """Prefixes that are inside over one link; `ignored` shows nothing of the link; `vlans`
    are the ids whose frames have a link of their own.  `relays`: answers to the MAC of
    a neighbour in this machine (a container, a virtual machine) are wanted, too.
    """

    inside: tuple[Network, ...] = ()
    ignored: bool = False
    vlans: tuple[int, ...] = ()
    relays: bool = False


_NOTHING: Mapping[Key, Mute] = MappingProxyType({})


def packet_filter(
    links: Mapping[int, LinkRules],
    broadcasts: Iterable[str] = (),
    muted: Mapping[Key, Mute] = _NOTHING,
    swept: Iterable[Sweep] = (),
) -> tuple[Instruction, ...]:
    """The program for these links (by interface index) and own broadcast addresses; at
    most 64 flows of each family are muted.

    Prefixes that do not fit, the smallest first, are left out; user space then sees
    what they would have hidden.
    """
    called = [ip_network(address) for address in broadcasts]
    sweeps = sorted(swept)
    program = Assembler()
    _prologue(program, links)
    _tagged(program, links)  # first: the kernel checks that a cell is filled also past a RET
    room = LIMIT - _RESERVED
    for family, length in ((4, 4), (6, 16)):
        program.label(f"ipv{family}")
        groups = _groups(links, family, budget=room // 2)
        if family == 4:
            _ipv4(program, called, groups)
        else:
            _ipv6(program, groups)
        pass_headless(program, f"ipv{family} has ports", _SHORTEST_TRANSPORT)
        drop_muted(program, {key: how for key, how in muted.items() if len(key.remote) == length})
        drop_swept(program, [sweep for sweep in sweeps if sweep.length == length])
        program.goto("transport")
    _transport(program)
    return program.assembled()


def _prologue(program: Assembler, links: Mapping[int, LinkRules]) -> None:
    program.op(LD_W, _IFINDEX)
    program.drop_when(JEQ, LOOPBACK_IFINDEX)
    program.op(LD_W, PACKET_TYPE)
    program.unless(JEQ, _PACKET_OTHERHOST, "for this machine")
    program.op(LD_W, _IFINDEX)
    for index in sorted(links)[: _RESERVED // 8]:
        if links[index].relays:
            program.when(JEQ, index, "for this machine")
    program.op(RET, 0)
    program.label("for this machine")
    program.op(LD_W, _IFINDEX)
    for index in sorted(links)[: _RESERVED // 8]:
        if links[index].ignored:
            program.drop_when(JEQ, index)
    program.op(LD_W, _VLAN_PRESENT)
    program.when(JEQ, 0, "no tag taken off")
    _drop_own_vlans(program, links, LD_W, _VLAN)
    program.label("no tag taken off")
    program.op(LD_W, _PROTOCOL)
    program.when(JEQ, 0x86DD, "ipv6")
    program.when(JEQ, 0x0800, "ipv4")
    for tag in sorted(VLAN_TAGS):
        program.when(JEQ, tag, "tagged")
    program.op(RET, 0)


def _drop_own_vlans(
    program: Assembler, links: Mapping[int, LinkRules], load: int, field: int
) -> None:
    """Frames whose VLAN id, in this field, has a link of its own above the frame's link."""
    own = [(index, vlan) for index in sorted(links) for vlan in links[index].vlans]
    for index, vlan in own[:_VLANS_MOST]:
        after = f"vlan {len(program)}"
        program.op(LD_W, _IFINDEX)
        program.jump(JEQ, index, false=after)
        program.op(load, field)
        program.op(AND, _VLAN_ID)
        program.drop_when(JEQ, vlan)
        program.label(after)


def _tagged(program: Assembler, links: Mapping[int, LinkRules]) -> None:
    """A tag is still in the octets: the second of two, or one that the link cannot take off.

    Where the kernel lets the network layer begin differs with who sent the frame, so only
    what counts from the link layer's beginning is looked at.
    """
    program.label("tagged")
    program.op(LD_W, _VLAN_PRESENT)
    program.unless(JEQ, 0, "second tag")
    _drop_own_vlans(program, links, LD_H, _TAG)
    program.label("second tag")
    program.op(LD_H, _TAG + 2)
    program.jump(JEQ, 0x0800, false="pass tagged")
    program.op(LD_B, _TAGGED + 9)
    program.jump(JEQ, 6, false="pass tagged")
    program.op(LDX_HEADER, _TAGGED)
    program.op(LD_B_X, _TAGGED + 13)
    program.jump(JSET, 0x06, true="pass tagged")
    program.op(RET, 0)
    program.label("pass tagged")
    program.op(RET, SNAP)


_Groups = list[tuple[list[int], list[Network]]]
_DropPrefixes = Callable[[Assembler, list[Network]], None]


def _groups(links: Mapping[int, LinkRules], family: int, *, budget: int) -> _Groups:
    """Links with equal prefixes share one list; largest prefixes first into the budget."""
    by_prefixes: dict[tuple[Network, ...], list[int]] = {}
    for index, rules in sorted(links.items()):
        own = _collapsed(rules.inside, family)
        if own and not rules.ignored:
            by_prefixes.setdefault(own, []).append(index)
    groups: _Groups = []
    for prefixes, indexes in by_prefixes.items():
        fitting: list[Network] = []
        budget -= 3 + 2 * len(indexes)
        for prefix in sorted(prefixes, key=lambda network: network.prefixlen):
            if (budget := budget - _cost(prefix)) < 0:
                break
            fitting.append(prefix)
        if fitting:
            groups.append((indexes, sorted(fitting, key=lambda n: int(n.network_address))))
    return groups


def _collapsed(prefixes: Iterable[Network], family: int) -> tuple[Network, ...]:
    if family == 4:
        return tuple(collapse_addresses(n for n in prefixes if isinstance(n, IPv4Network)))
    return tuple(collapse_addresses(n for n in prefixes if isinstance(n, IPv6Network)))


def _cost(prefix: Network) -> int:
    return 3 if prefix.version == 4 else 2 + 3 * (prefix.prefixlen // 32 + 1)


def _ipv4(program: Assembler, broadcasts: list[Network], groups: _Groups) -> None:
    """Nobody answers from a broadcast address, so what comes from one is looked at: root
    may declare any address to be one.
    """
    program.op(LD_B, 9)
    program.jump(JEQ, 1, false="v4 no error")
    program.op(LDX_HEADER, 0)
    unless_beyond(program, 1, "v4 no error")
    program.op(LD_B_X, 0)
    for error in (3, 11, 12):
        program.when(JEQ, error, "pass")
    program.label("v4 no error")
    program.op(LD_H, 6)
    program.drop_when(JSET, 0x1FFF)
    program.op(LD_W, PACKET_TYPE)
    program.jump(JEQ, PACKET_OUTGOING, true="v4 outgoing")
    program.op(LD_W, 12)
    program.goto("v4 remote")
    program.label("v4 outgoing")
    program.op(LD_W, 16)
    program.op(ST, 0)
    _drop_ranges(program, list(_collapsed(broadcasts, 4)))
    program.label("v4 remote")
    program.op(ST, 0)
    _drop_ranges(program, list(_collapsed(LOCAL_ONLY, 4)))
    _dispatch(program, groups, "v4", _drop_ranges)
    program.label("v4 transport")
    program.op(LDX_HEADER, 0)
    program.op(LD_B, 9)
    program.op(ST, M_NEXT)
    program.op(LD_H, 6)
    program.jump(JSET, _MORE_FRAGMENTS, false="v4 whole")
    program.op(RET, SNAP)
    program.label("v4 whole")


def _dispatch(program: Assembler, groups: _Groups, family: str, drop: _DropPrefixes) -> None:
    """The prefix list of the packet's own link."""
    program.op(LD_W, _IFINDEX)
    for number, (indexes, _) in enumerate(groups):
        for index in indexes:
            program.when(JEQ, index, f"{family} group {number}")
    program.goto(f"{family} transport")
    for number, (_, prefixes) in enumerate(groups):
        program.label(f"{family} group {number}")
        drop(program, prefixes)
        program.goto(f"{family} transport")


def _drop_ranges(program: Assembler, prefixes: list[Network]) -> None:
    """Drops when the remote IPv4 address is in one of these disjoint prefixes."""
    program.op(LD_MEM, 0)
    for prefix in prefixes:
        after = f"range {len(program) + 3}"
        program.jump(JGE, int(prefix.network_address), false=after)
        program.jump(JGT, int(prefix.broadcast_address), true=after)
        program.op(RET, 0)
        program.label(after)


def _ipv6(program: Assembler, groups: _Groups) -> None:
    follow_extensions(program)
    program.label("v6 headers done")
    program.op(LD_MEM, M_NEXT)
    program.jump(JEQ, 58, false="v6 no icmp")
    program.op(LDX_MEM, M_OFFSET)
    unless_beyond(program, 1, "v6 no icmp")
    program.op(LD_B_X, 0)
    program.unless(JGE, 128, "pass")  # RFC 4443: errors are below 128
    program.jump(JGE, 133, false="v6 no icmp")
    program.jump(JGT, 137, true="v6 no icmp")
    program.op(LD_B, 7)
    program.drop_when(JEQ, 255)  # neighbour discovery: RFC 4861 section 7.1
    program.label("v6 no icmp")
    program.op(LD_W, PACKET_TYPE)
    program.jump(JEQ, PACKET_OUTGOING, true="v6 outgoing")
    _remember_address(program, 8)
    program.goto("v6 remote")
    program.label("v6 outgoing")
    _remember_address(program, 24)
    program.label("v6 remote")
    _drop_by_words(program, list(_collapsed(LOCAL_ONLY, 6)))
    _dispatch(program, groups, "v6", _drop_by_words)
    program.label("v6 transport")
    program.op(LDX_MEM, M_OFFSET)


def _remember_address(program: Assembler, offset: int) -> None:
    for word in range(4):
        program.op(LD_W, offset + 4 * word)
        program.op(ST, word)


def _drop_by_words(program: Assembler, prefixes: list[Network]) -> None:
    """Drops when the remote IPv6 address is in one of these prefixes."""
    for prefix in prefixes:
        after = f"prefix {len(program)} of {prefix}"
        address, left = prefix.network_address.packed, prefix.prefixlen
        for word in range(4):
            if left <= 0:
                break
            program.op(LD_MEM, word)
            if left < 32:
                program.op(AND, (0xFFFFFFFF << (32 - left)) & 0xFFFFFFFF)
            wanted = int.from_bytes(address[4 * word : 4 * word + 4], "big")
            program.jump(JEQ, wanted, false=after)
            left -= 32
        program.op(RET, 0)
        program.label(after)


def _transport(program: Assembler) -> None:
    """X is the offset of the transport header, its number is in the scratch cell."""
    program.label("transport")
    program.op(LD_MEM, M_NEXT)
    program.jump(JEQ, 6, false="pass")
    pass_headless(program, "tcp has flags", _TCP_WITH_FLAGS)
    program.op(LD_B_X, 13)
    program.jump(JSET, 0x06, true="pass")  # SYN or RST
    program.op(LD_W, _RANDOM)
    program.jump(JSET, _SAMPLED, false="pass")
    program.op(RET, 0)
    program.label("pass")
    program.op(RET, SNAP)
