"""The packet filter in classic BPF: what the kernel need not show us.

linux/filter.h, linux/bpf_common.h; Documentation/networking/filter.rst.  The program
runs on a packet socket of type SOCK_DGRAM, so offset 0 is the IP header, on every kind
of link.  What passes is judged again with the whole policy; the filter only spares work.

Passed: packets whose other side may be outside (of TCP's segments and of later fragments a
sample while there are many), every ICMP error, frames with a VLAN tag that no link here takes
off, and on strange links what is link-local or no IP.  Dropped: loopback, frames for others,
VLAN frames of a lower link when the VLAN has a link of its own (it shows them), local
addresses, neighbour discovery, the address plan's prefixes on the links where they are
inside, and what has told enough (`agent.quiet`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import (
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
    LD_IMMEDIATE,
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
    LATER_FRAGMENT,
    M_OFFSET,
    SNAP,
    follow_extensions,
    pass_headless,
    unless_beyond,
)
from agent.system.bpf_others import pass_others
from agent.system.bpf_prefixes import (
    Groups,
    collapsed,
    dispatch,
    drop_by_words,
    drop_local,
    drop_ranges,
    groups,
)
from agent.system.bpf_quiet import (
    M_LINK,
    M_NEXT,
    PACKET_OUTGOING,
    PACKET_TYPE,
    drop_muted,
    drop_swept,
)
from agent.system.dissect import VLAN_TAGS
from agent.system.linkkind import LOOPBACK_IFINDEX
from checks.plan import Network

SAMPLED_OF = 32
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
_MORE_FRAGMENTS, _FRAGMENT_OFFSET = 0x2000, 0x1FFF
_SAMPLED = SAMPLED_OF - 1
"""One of so many passes at random, so that a conversation that never opened, or went on over
another link, is still met."""
_VLANS_MOST = 64
_PARTS_MOST = 64
_STRANGE_MOST = 64


@dataclass(frozen=True, slots=True)
class LinkRules:
    """Prefixes that are inside over one link; `ignored` shows nothing of the link; `vlans`
    are the ids whose frames have a link of their own.  `relays`: answers to the MAC of
    a neighbour in this machine (a container, a virtual machine) are wanted, too.
    `part_of` is the bond or bridge (an interface index) that this link is a port of: its
    frames count as that one's.  `strange`: what never leaves its segment is wanted, too.
    """

    inside: tuple[Network, ...] = ()
    ignored: bool = False
    vlans: tuple[int, ...] = ()
    relays: bool = False
    part_of: int = 0
    strange: bool = False


_NOTHING: Mapping[Key, Mute] = MappingProxyType({})


def packet_filter(
    links: Mapping[int, LinkRules],
    broadcasts: Iterable[str] = (),
    muted: Mapping[Key, Mute] = _NOTHING,
    swept: Iterable[Sweep] = (),
    *,
    sampled: bool = True,
) -> tuple[Instruction, ...]:
    """The program for these links (by interface index) and own broadcast addresses; at
    most 64 flows of each family are muted.  `sampled`: of TCP's segments between opening and
    closing, and of later fragments, one of SAMPLED_OF passes, else all.

    Prefixes that do not fit, the smallest first, are left out; user space then sees
    what they would have hidden.
    """
    called = [ip_network(address) for address in broadcasts]
    sweeps = sorted(swept)
    program = Assembler()
    _prologue(program, links)
    _tagged(program, links)  # first: the kernel checks that a cell is filled also past a RET
    room = LIMIT - _RESERVED
    inside = {index: rules.inside for index, rules in links.items() if not rules.ignored}
    strange = _strange(links)
    for family, length in ((4, 4), (6, 16)):
        program.label(f"ipv{family}")
        by_link = groups(inside, family, budget=room // 2)
        if family == 4:
            _ipv4(program, called, by_link, strange, sampled=sampled)
        else:
            _ipv6(program, by_link, strange)
        pass_headless(program, f"ipv{family} has ports", _SHORTEST_TRANSPORT)
        drop_muted(program, {key: how for key, how in muted.items() if len(key.remote) == length})
        drop_swept(program, [sweep for sweep in sweeps if sweep.length == length])
        program.goto("transport")
    _transport(program, sampled=sampled)
    return program.assembled()


def _prologue(program: Assembler, links: Mapping[int, LinkRules]) -> None:
    program.op(LD_W, _IFINDEX)
    program.drop_when(JEQ, LOOPBACK_IFINDEX)
    _count_as_the_whole(program, links)
    program.op(LD_W, PACKET_TYPE)
    program.unless(JEQ, _PACKET_OTHERHOST, "for this machine")
    program.op(LD_W, _IFINDEX)
    for index in sorted(links)[: _RESERVED // 8]:
        if links[index].relays:
            program.when(JEQ, index, "for this machine")
    program.op(RET, 0)
    program.label("for this machine")
    program.op(LD_MEM, M_LINK)
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
    pass_others(program, _strange(links))


def _strange(links: Mapping[int, LinkRules]) -> list[int]:
    return [index for index in sorted(links) if links[index].strange][:_STRANGE_MOST]


def _count_as_the_whole(program: Assembler, links: Mapping[int, LinkRules]) -> None:
    """The link that a frame counts as into its scratch cell."""
    program.op(ST, M_LINK)
    ports = [index for index in sorted(links) if links[index].part_of][:_PARTS_MOST]
    for index in ports:
        after = f"port {index} done"
        program.op(LD_W, _IFINDEX)
        program.jump(JEQ, index, false=after)
        program.op(LD_IMMEDIATE, links[index].part_of)
        program.op(ST, M_LINK)
        program.label(after)


def _drop_own_vlans(
    program: Assembler, links: Mapping[int, LinkRules], load: int, field: int
) -> None:
    """Frames whose VLAN id, in this field, has a link of its own above the frame's link."""
    own = [(index, vlan) for index in sorted(links) for vlan in links[index].vlans]
    for index, vlan in own[:_VLANS_MOST]:
        after = f"vlan {len(program)}"
        program.op(LD_MEM, M_LINK)
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


def _ipv4(
    program: Assembler,
    broadcasts: list[Network],
    by_link: Groups,
    strange: list[int],
    *,
    sampled: bool,
) -> None:
    """Nobody answers from a broadcast address, so what comes from one is looked at: root
    may declare any address to be one.
    """
    program.op(LD_H, 6)
    program.jump(JSET, _FRAGMENT_OFFSET, true="v4 no error")
    program.op(LD_B, 9)
    program.jump(JEQ, 1, false="v4 no error")
    program.op(LDX_HEADER, 0)
    unless_beyond(program, 1, "v4 no error")
    program.op(LD_B_X, 0)
    for error in (3, 11, 12):
        program.when(JEQ, error, "pass")
    program.label("v4 no error")
    program.op(LD_W, PACKET_TYPE)
    program.jump(JEQ, PACKET_OUTGOING, true="v4 outgoing")
    program.op(LD_W, 12)
    program.goto("v4 remote")
    program.label("v4 outgoing")
    program.op(LD_W, 16)
    program.op(ST, 0)
    drop_ranges(program, list(collapsed(broadcasts, 4)))
    program.label("v4 remote")
    program.op(ST, 0)
    drop_local(program, strange, 4, drop_ranges)
    dispatch(program, by_link, "v4", drop_ranges)
    program.label("v4 transport")
    program.op(LDX_HEADER, 0)
    program.op(LD_B, 9)
    program.op(ST, M_NEXT)
    program.op(LD_H, 6)
    if sampled:
        program.jump(JSET, _FRAGMENT_OFFSET, false="v4 first")
        program.op(LD_W, _RANDOM)
        program.drop_when(JSET, _SAMPLED)
        program.op(RET, SNAP)
        program.label("v4 first")
    program.jump(JSET, _MORE_FRAGMENTS | _FRAGMENT_OFFSET, false="v4 whole")
    program.op(RET, SNAP)
    program.label("v4 whole")


def _ipv6(program: Assembler, by_link: Groups, strange: list[int]) -> None:
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
    drop_local(program, strange, 6, drop_by_words)
    dispatch(program, by_link, "v6", drop_by_words)
    program.label("v6 transport")
    program.op(LDX_MEM, M_OFFSET)


def _remember_address(program: Assembler, offset: int) -> None:
    for word in range(4):
        program.op(LD_W, offset + 4 * word)
        program.op(ST, word)


def _transport(program: Assembler, *, sampled: bool) -> None:
    """X is the offset of the transport header, its number is in the scratch cell."""
    program.label("transport")
    program.op(LD_MEM, M_NEXT)
    if not sampled:
        program.label("pass")
        program.op(RET, SNAP)
        return
    program.when(JEQ, LATER_FRAGMENT, "sample")
    program.jump(JEQ, 6, false="pass")
    pass_headless(program, "tcp has flags", _TCP_WITH_FLAGS)
    program.op(LD_B_X, 13)
    program.jump(JSET, 0x06, true="pass")  # SYN or RST
    program.label("sample")
    program.op(LD_W, _RANDOM)
    program.jump(JSET, _SAMPLED, false="pass")
    program.op(RET, 0)
    program.label("pass")
    program.op(RET, SNAP)
