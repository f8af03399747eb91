"""What the packet filter may drop on each link, as the address plan and the network are."""

from collections.abc import Collection, Iterable, Mapping

from agent.system.bpf_filter import LinkRules
from agent.system.network_table import NetworkTable
from checks.facts.network import Link, NetworkState
from checks.links import has_outer_end, is_strange
from checks.plan import AddressPlan, Network

_SAME_FRAMES = frozenset(("macvlan", "macvtap", "ipvlan", "ipvtap"))
"""Links whose frames show on the link below them as they are."""
_JOINING = frozenset(("bond", "team", "bridge"))


def link_rules(
    plan: AddressPlan, network: NetworkTable, relayed: Collection[int] = ()
) -> dict[int, LinkRules]:
    """By interface index; `relayed` are links over which flows of others have left."""
    state = network.state
    upper, whole = riding(state), parts(state)
    return {
        link.index: LinkRules(
            inside=_inside(plan, link, upper.get(link.index, ()), state),
            ignored=link.index in network.enslaved and link.index not in whole,
            vlans=_vlans(link, state.links),
            relays=link.index in relayed,
            part_of=whole.get(link.index, 0),
            strange=is_strange(link, state, plan),
        )
        for link in state.links
        if link.kind != "loopback"
    }


def riding(state: NetworkState) -> Mapping[int, tuple[int, ...]]:
    """Indexes of the links whose frames show on the link below them, by its index."""
    indexes = {link.name: link.index for link in state.links}
    found: dict[int, tuple[int, ...]] = {}
    for link in state.links:
        below = indexes.get(link.lower)
        if link.driver in _SAME_FRAMES and below is not None:
            found[below] = (*found.get(below, ()), link.index)
    return found


def parts(state: NetworkState) -> Mapping[int, int]:
    """Index of the bond or bridge that has the addresses, by the index of each of its ports.

    A program may send past it, straight over a port.  Ports of what ends inside this machine
    are not here, nor are those of Open vSwitch: its own link is none of its ports' master.
    """
    by_name = {link.name: link for link in state.links}
    found: dict[int, int] = {}
    for link in state.links:
        whole, seen = link, {link.name}
        while whole.master in by_name and whole.master not in seen:
            whole = by_name[whole.master]
            seen.add(whole.name)
        if whole is not link and whole.driver in _JOINING and has_outer_end(whole):
            found[link.index] = whole.index
    return found


def _inside(
    plan: AddressPlan, link: Link, upper: Collection[int], state: NetworkState
) -> tuple[Network, ...]:
    """A link that has no route itself carries only what rides on it."""
    own = plan.prefixes_over(link, state.routes)
    if own or any(route.interface == link.name for route in state.routes):
        return own
    above = [other for other in state.links if other.index in upper]
    shared = [set(plan.prefixes_over(other, state.routes)) for other in above]
    return tuple(sorted(set.intersection(*shared), key=str)) if shared else ()


def _vlans(link: Link, links: Iterable[Link]) -> tuple[int, ...]:
    """Ids of the VLANs on this link that the kernel hands to links of their own."""
    return tuple(
        sorted(
            {other.vlan for other in links if other.vlan and other.up and other.lower == link.name}
        )
    )
