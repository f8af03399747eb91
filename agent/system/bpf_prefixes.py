"""The part of the packet filter that drops by the remote address, which is in the scratch
cells 0 to 3.
"""

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from agent.system.bpf_assembler import AND, JEQ, JGE, JGT, LD_MEM, RET, Assembler
from agent.system.bpf_quiet import M_LINK
from checks.plan import LINK_LOCAL, LOCAL_ONLY, Network

_NEVER_LEAVES = tuple(network for network in LOCAL_ONLY if network not in LINK_LOCAL)

Groups = list[tuple[list[int], list[Network]]]
DropPrefixes = Callable[[Assembler, list[Network]], None]


def groups(inside: Mapping[int, tuple[Network, ...]], family: int, *, budget: int) -> Groups:
    """Links with equal prefixes share one list; largest prefixes first into the budget."""
    by_prefixes: dict[tuple[Network, ...], list[int]] = {}
    for index, prefixes in sorted(inside.items()):
        own = collapsed(prefixes, family)
        if own:
            by_prefixes.setdefault(own, []).append(index)
    found: Groups = []
    for prefixes, indexes in by_prefixes.items():
        fitting: list[Network] = []
        budget -= 3 + 2 * len(indexes)
        for prefix in sorted(prefixes, key=lambda network: network.prefixlen):
            if (budget := budget - _cost(prefix)) < 0:
                break
            fitting.append(prefix)
        if fitting:
            found.append((indexes, sorted(fitting, key=lambda n: int(n.network_address))))
    return found


def collapsed(prefixes: Iterable[Network], family: int) -> tuple[Network, ...]:
    if family == 4:
        return tuple(collapse_addresses(n for n in prefixes if isinstance(n, IPv4Network)))
    return tuple(collapse_addresses(n for n in prefixes if isinstance(n, IPv6Network)))


def _cost(prefix: Network) -> int:
    return 3 if prefix.version == 4 else 2 + 3 * (prefix.prefixlen // 32 + 1)


def drop_local(program: Assembler, strange: list[int], family: int, drop: DropPrefixes) -> None:
    drop(program, list(collapsed(_NEVER_LEAVES, family)))
    beyond = f"v{family} may be strange"
    program.op(LD_MEM, M_LINK)
    for index in strange:
        program.when(JEQ, index, beyond)
    drop(program, list(collapsed(LINK_LOCAL, family)))
    program.label(beyond)


def dispatch(program: Assembler, by_link: Groups, family: str, drop: DropPrefixes) -> None:
    """The prefix list of the packet's own link."""
    program.op(LD_MEM, M_LINK)
    for number, (indexes, _) in enumerate(by_link):
        for index in indexes:
            program.when(JEQ, index, f"{family} group {number}")
    program.goto(f"{family} transport")
    for number, (_, prefixes) in enumerate(by_link):
        program.label(f"{family} group {number}")
        drop(program, prefixes)
        program.goto(f"{family} transport")


def drop_ranges(program: Assembler, prefixes: list[Network]) -> None:
    """Drops when the remote IPv4 address is in one of these disjoint prefixes."""
    program.op(LD_MEM, 0)
    for prefix in prefixes:
        after = f"range {len(program) + 3}"
        program.jump(JGE, int(prefix.network_address), false=after)
        program.jump(JGT, int(prefix.broadcast_address), true=after)
        program.op(RET, 0)
        program.label(after)


def drop_by_words(program: Assembler, prefixes: list[Network]) -> None:
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
