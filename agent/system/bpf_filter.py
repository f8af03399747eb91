"""The packet filter in classic BPF: what the kernel need not show us.

linux/filter.h, linux/bpf_common.h; Documentation/networking/filter.rst.  The program
runs on a packet socket of type SOCK_DGRAM, so offset 0 is the IP header, on every kind
of link.  What passes is judged again with the whole policy; the filter only spares work.

Passed: the first packets of flows whose other side may be outside (TCP with SYN or RST,
everything of UDP, ICMP and other protocols), and every ICMP error.  Dropped: loopback,
frames for others, VLAN frames of a lower link (the VLAN's own link shows them),
non-first fragments, local addresses, neighbour discovery, and the address plan's
prefixes on the links where they are inside.
"""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_network,
)

from checks.plan import LOCAL_ONLY, Network

SNAP = 256
"""Bytes of a packet that are copied: enough for an ICMPv6 error with its inner packet."""

LIMIT = 4096  # BPF_MAXINSNS
_RESERVED = 512  # instructions for everything but prefixes

_LD_W, _LD_H, _LD_B = 0x20, 0x28, 0x30
_LDX_MEM, _LDX_HEADER = 0x61, 0xB1
_LD_H_X, _LD_B_X, _LD_MEM, _ST = 0x48, 0x50, 0x60, 0x02
_LD_IMMEDIATE, _LDX_IMMEDIATE, _STX = 0x00, 0x01, 0x03
_JA, _JEQ, _JGT, _JGE, _JSET = 0x05, 0x15, 0x25, 0x35, 0x45
_ADD, _ADD_X, _LSH, _AND, _RET = 0x04, 0x0C, 0x64, 0x54, 0x06

_ANCILLARY = 0xFFFFF000  # SKF_AD_OFF
_PROTOCOL, _PACKET_TYPE, _IFINDEX, _HARDWARE, _VLAN = (
    _ANCILLARY + offset for offset in (0, 4, 8, 28, 48)
)
_ARPHRD_LOOPBACK = 772
_PACKET_OTHERHOST, _PACKET_OUTGOING = 3, 4
_EXTENSION_ROUNDS = 6
_M_NEXT, _M_OFFSET = 4, 5  # scratch cells; 0 to 3 hold the remote address

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""


class FilterTooLong(Exception):
    """More than the kernel takes even without any prefix."""


@dataclass(frozen=True, slots=True)
class LinkRules:
    """Prefixes that are inside over one link; `ignored` shows nothing of the link."""

    inside: tuple[Network, ...] = ()
    ignored: bool = False


class Assembler:
    """Instructions in order, with forward labels.

    Conditional jumps reach 255 instructions, `goto` any distance.
    """

    def __init__(self) -> None:
        self._code: list[tuple[int, str, str, int, str]] = []
        self._labels: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._code)

    def op(self, code: int, constant: int = 0) -> None:
        self._code.append((code, "", "", constant, ""))

    def jump(self, code: int, constant: int, *, true: str = "", false: str = "") -> None:
        """To a label near by when the comparison holds or fails; else on."""
        self._code.append((code, true, false, constant, ""))

    def goto(self, label: str) -> None:
        self._code.append((_JA, "", "", 0, label))

    def unless(self, code: int, constant: int, label: str) -> None:
        """To a label at any distance when the comparison fails."""
        self._near(code, constant, skip_when=True)
        self.goto(label)

    def when(self, code: int, constant: int, label: str) -> None:
        """To a label at any distance when the comparison holds."""
        self._near(code, constant, skip_when=False)
        self.goto(label)

    def drop_when(self, code: int, constant: int) -> None:
        self._near(code, constant, skip_when=False)
        self.op(_RET, 0)

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code)

    def assembled(self) -> tuple[Instruction, ...]:
        """The program.

        Raises:
            FilterTooLong: more than 4096 instructions.
        """
        if len(self._code) > LIMIT:
            raise FilterTooLong(f"{len(self._code)} instructions")
        return tuple(self._resolved(place) for place in range(len(self._code)))

    def _near(self, code: int, constant: int, *, skip_when: bool) -> None:
        """Skips the next instruction when the comparison is (not) true."""
        after = f"+{len(self._code) + 2}"
        self._labels[after] = len(self._code) + 2
        if skip_when:
            self.jump(code, constant, true=after)
        else:
            self.jump(code, constant, false=after)

    def _resolved(self, place: int) -> Instruction:
        code, true, false, constant, far = self._code[place]
        if far:
            return code, 0, 0, self._labels[far] - place - 1
        return code, self._distance(true, place), self._distance(false, place), constant

    def _distance(self, label: str, place: int) -> int:
        distance = self._labels[label] - place - 1 if label else 0
        assert 0 <= distance <= 255, f"{label} is {distance} away"
        return distance


def packet_filter(
    links: Mapping[int, LinkRules], broadcasts: Iterable[str] = ()
) -> tuple[Instruction, ...]:
    """The program for these links (by interface index) and own broadcast addresses.

    Prefixes that do not fit, the smallest first, are left out; user space then sees
    what they would have hidden.
    """
    local = [*LOCAL_ONLY, *(ip_network(address) for address in broadcasts)]
    program = Assembler()
    _prologue(program, links)
    room = LIMIT - _RESERVED
    for family, block in ((4, _ipv4), (6, _ipv6)):
        program.label(f"ipv{family}")
        groups = _groups(links, family, budget=room // 2)
        block(program, [n for n in local if n.version == family], groups)
    _transport(program)
    return program.assembled()


def packed(program: Sequence[Instruction]) -> bytes:
    """As an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _prologue(program: Assembler, links: Mapping[int, LinkRules]) -> None:
    for field, unwanted in ((_HARDWARE, _ARPHRD_LOOPBACK), (_PACKET_TYPE, _PACKET_OTHERHOST)):
        program.op(_LD_W, field)
        program.drop_when(_JEQ, unwanted)
    program.op(_LD_W, _VLAN)
    program.drop_when(_JGT, 0)
    program.op(_LD_W, _IFINDEX)
    for index in sorted(links)[: _RESERVED // 4]:
        if links[index].ignored:
            program.drop_when(_JEQ, index)
    program.op(_LD_W, _PROTOCOL)
    program.when(_JEQ, 0x86DD, "ipv6")
    program.when(_JEQ, 0x0800, "ipv4")
    program.op(_RET, 0)


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


def _ipv4(program: Assembler, local: list[Network], groups: _Groups) -> None:
    program.op(_LD_B, 9)
    program.jump(_JEQ, 1, false="v4 no error")
    program.op(_LDX_HEADER, 0)
    program.op(_LD_B_X, 0)
    for error in (3, 11, 12):
        program.when(_JEQ, error, "pass")
    program.label("v4 no error")
    program.op(_LD_H, 6)
    program.drop_when(_JSET, 0x1FFF)
    program.op(_LD_W, _PACKET_TYPE)
    program.jump(_JEQ, _PACKET_OUTGOING, true="v4 outgoing")
    program.op(_LD_W, 12)
    program.goto("v4 remote")
    program.label("v4 outgoing")
    program.op(_LD_W, 16)
    program.label("v4 remote")
    program.op(_ST, 0)
    _drop_ranges(program, list(_collapsed(local, 4)))
    _dispatch(program, groups, "v4", _drop_ranges)
    program.label("v4 transport")
    program.op(_LDX_HEADER, 0)
    program.op(_LD_B, 9)
    program.op(_ST, _M_NEXT)
    program.goto("transport")


def _dispatch(program: Assembler, groups: _Groups, family: str, drop: _DropPrefixes) -> None:
    """The prefix list of the packet's own link."""
    program.op(_LD_W, _IFINDEX)
    for number, (indexes, _) in enumerate(groups):
        for index in indexes:
            program.when(_JEQ, index, f"{family} group {number}")
    program.goto(f"{family} transport")
    for number, (_, prefixes) in enumerate(groups):
        program.label(f"{family} group {number}")
        drop(program, prefixes)
        program.goto(f"{family} transport")


def _drop_ranges(program: Assembler, prefixes: list[Network]) -> None:
    """Drops when the remote IPv4 address is in one of these disjoint prefixes."""
    program.op(_LD_MEM, 0)
    for prefix in prefixes:
        after = f"range {len(program) + 3}"
        program.jump(_JGE, int(prefix.network_address), false=after)
        program.jump(_JGT, int(prefix.broadcast_address), true=after)
        program.op(_RET, 0)
        program.label(after)


def _ipv6(program: Assembler, local: list[Network], groups: _Groups) -> None:
    _follow_extensions(program)
    program.label("v6 headers done")
    program.op(_LD_MEM, _M_NEXT)
    program.jump(_JEQ, 58, false="v6 no icmp")
    program.op(_LDX_MEM, _M_OFFSET)
    program.op(_LD_B_X, 0)
    program.unless(_JGE, 128, "pass")  # RFC 4443: errors are below 128
    program.drop_when(_JEQ, 143)
    program.jump(_JGE, 130, false="v6 no icmp")
    program.jump(_JGT, 137, true="v6 no icmp")
    program.op(_RET, 0)
    program.label("v6 no icmp")
    program.op(_LD_W, _PACKET_TYPE)
    program.jump(_JEQ, _PACKET_OUTGOING, true="v6 outgoing")
    _remember_address(program, 8)
    program.goto("v6 remote")
    program.label("v6 outgoing")
    _remember_address(program, 24)
    program.label("v6 remote")
    _drop_by_words(program, list(_collapsed(local, 6)))
    _dispatch(program, groups, "v6", _drop_by_words)
    program.label("v6 transport")
    program.op(_LDX_MEM, _M_OFFSET)
    program.goto("transport")


def _remember_address(program: Assembler, offset: int) -> None:
    for word in range(4):
        program.op(_LD_W, offset + 4 * word)
        program.op(_ST, word)


def _follow_extensions(program: Assembler) -> None:
    """Leaves the transport's number and offset in the scratch cells.

    What still hides behind more headers than are followed passes as a protocol of its
    own; user space follows further.
    """
    program.op(_LD_B, 6)
    program.op(_ST, _M_NEXT)
    program.op(_LDX_IMMEDIATE, 40)
    program.op(_STX, _M_OFFSET)
    for number in range(_EXTENSION_ROUNDS):
        generic, fragment, step = (f"{name} {number}" for name in ("generic", "fragment", "step"))
        program.op(_LD_MEM, _M_NEXT)
        program.jump(_JEQ, 44, true=fragment)
        for extension in (0, 43, 60):
            program.jump(_JEQ, extension, true=generic)
        program.goto("v6 headers done")
        program.label(fragment)
        program.op(_LDX_MEM, _M_OFFSET)
        program.op(_LD_H_X, 2)
        program.drop_when(_JSET, 0xFFF8)
        program.op(_LD_B_X, 0)
        program.op(_ST, _M_NEXT)
        program.op(_LD_IMMEDIATE, 8)
        program.goto(step)
        program.label(generic)
        program.op(_LDX_MEM, _M_OFFSET)
        program.op(_LD_B_X, 0)
        program.op(_ST, _M_NEXT)
        program.op(_LD_B_X, 1)
        program.op(_ADD, 1)
        program.op(_LSH, 3)
        program.label(step)
        program.op(_ADD_X)
        program.op(_ST, _M_OFFSET)


def _drop_by_words(program: Assembler, prefixes: list[Network]) -> None:
    """Drops when the remote IPv6 address is in one of these prefixes."""
    for prefix in prefixes:
        after = f"prefix {len(program)} of {prefix}"
        address, left = prefix.network_address.packed, prefix.prefixlen
        for word in range(4):
            if left <= 0:
                break
            program.op(_LD_MEM, word)
            if left < 32:
                program.op(_AND, (0xFFFFFFFF << (32 - left)) & 0xFFFFFFFF)
            wanted = int.from_bytes(address[4 * word : 4 * word + 4], "big")
            program.jump(_JEQ, wanted, false=after)
            left -= 32
        program.op(_RET, 0)
        program.label(after)


def _transport(program: Assembler) -> None:
    """X is the offset of the transport header, its number is in the scratch cell."""
    program.label("transport")
    program.op(_LD_MEM, _M_NEXT)
    program.jump(_JEQ, 6, false="pass")
    program.op(_LD_B_X, 13)
    program.jump(_JSET, 0x06, true="pass")  # SYN or RST
    program.op(_RET, 0)
    program.label("pass")
    program.op(_RET, SNAP)
