"""Which extra uplink is to be cut, and why it may not be: pure.

What is cut is *extra*: never the intranet's link or what carries it, never the way to the
collector, and nothing at all while no intranet link is there that would be left.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec

from checks.check import Context
from checks.facts import Fact
from checks.facts.connections import ConnectionSeen
from checks.facts.network import Link, NetworkState, UplinkDevice
from checks.facts.witness import BeaconAnswered, IntranetWitness
from checks.finding import Verdict
from checks.intranet import intranet_links
from checks.policy import PolicyDocument

Objection = Literal["clinical", "loopback", "intranet_link", "own_uplink", "only_way"]
"""Why a link that the policy wants cut stays as it is."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What decides.  `own_address` is the local end of the last answer from the collector,
    empty while there was none.
    """

    document: PolicyDocument
    network: NetworkState
    witness: IntranetWitness | None = None
    own_address: str = ""
    at_us: int = 0


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A rule wants this link cut."""

    ground: str
    interface: str


def may_ask(document: PolicyDocument, rule: str) -> bool:
    """Whether the policy lets this rule cut a link of this endpoint at all."""
    policy = document.policy
    return policy.mode_for(document.endpoint) == "enforce" and rule in policy.containment.rules


def wishes(
    failed: Iterable[Verdict], fact: Fact, situation: Situation
) -> Iterator[tuple[Wish, Link]]:
    """What these verdicts on the fact want cut, as far as the policy lets them and the link
    is there.
    """
    for verdict in failed:
        if verdict.finding is None or not may_ask(situation.document, verdict.rule):
            continue
        named = _named(fact, verdict.finding.subject)
        for link in situation.network.links:
            if link.name in named or (isinstance(fact, NetworkState) and link.device in named):
                yield Wish(ground=verdict.rule, interface=link.name), link


def objection(link: Link, situation: Situation) -> Objection | None:
    """Why this link may not be cut; None when it may."""
    document, network = situation.document, situation.network
    if document.endpoint.clinical in document.policy.containment.never:
        return "clinical"
    if link.kind == "loopback":
        return "loopback"
    inside = [each.name for each in intranet_links(network, _context(situation))]
    if link.name in carrying(inside, network):
        return "intranet_link"
    if link.name in carrying(_own_uplinks(situation), network):
        return "own_uplink"
    return None if inside else "only_way"


def carrying(interfaces: Collection[str], network: NetworkState) -> frozenset[str]:
    """These links with all that they ride on: a VLAN's card, a bond's or bridge's ports."""
    found = set(interfaces)
    while True:
        below = {link.lower for link in network.links if link.name in found and link.lower}
        ports = {link.name for link in network.links if link.master in found}
        if below | ports <= found:
            return frozenset(found)
        found |= below | ports


def _named(fact: Fact, subject: str) -> Sequence[str]:
    """What the fact calls the link that the finding is about; never an empty name."""
    match fact:
        case ConnectionSeen() | BeaconAnswered():
            named = fact.egress.interface
        case UplinkDevice():
            named = fact.interface
        case NetworkState():
            named = subject
        case _:
            named = ""
    return (named,) if named else ()


def _own_uplinks(situation: Situation) -> list[str]:
    own = situation.own_address
    return [
        link.name
        for link in situation.network.links
        if own and any(address.address == own for address in link.addresses)
    ]


def _context(situation: Situation) -> Context:
    known: dict[type[Fact], Fact] = {}
    if situation.witness is not None:
        known[IntranetWitness] = situation.witness
    return Context(
        policy=situation.document.policy,
        endpoint=situation.document.endpoint,
        at_us=situation.at_us,
        known=MappingProxyType(known),
    )
