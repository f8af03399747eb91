"""Forwarding: this workstation passes packets on between two networks.

It routes between two links that both lead out of the machine, with or without translating
addresses, or it has joined them to one network by a bridge.  Then everything on the far side
is on the intranet too, and no control at the boundary has seen it come.

Forwarding alone is no violation: Docker and libvirt switch it on for their guests, who stay
behind a bridge without a port of its own to the outside. It becomes one when a second link
with another end is up. A bridge may be approved as a device; an access point is EXT-05.
"""

from collections.abc import Iterable, Iterator

from checks.approved_devices import device_standing
from checks.check import Context, check
from checks.facts.forwarding import ForwardingState
from checks.facts.network import Link, NetworkState
from checks.finding import Finding
from checks.links import (
    BRIDGES,
    has_outer_end,
    is_default_route,
    is_port,
    own_addresses,
    ports_of,
    serves_others,
)

ROUTES = "packets are passed on between {interface} and {others}"
TRANSLATES = "packets are passed on between {interface} and {others}, with their addresses changed"
BRIDGED = "the bridge {interface} joins {others} to one network"
_NAMED = 8
"""So many links stand in a finding; a machine may claim thousands."""


@check(
    rule="EXT-11",
    on=(NetworkState, ForwardingState),
    needs=(NetworkState, ForwardingState),
    remedy=(
        "Switch forwarding, sharing or the bridge off, and take the second link away. Look which "
        "devices were behind it."
    ),
)
def forwarding(_fact: NetworkState | ForwardingState, context: Context) -> Iterator[Finding]:
    network = context.latest(NetworkState)
    yield from _bridged(network, context)
    yield from _routed(network, context.latest(ForwardingState))


def _bridged(network: NetworkState, context: Context) -> Iterator[Finding]:
    """A bridge that leads out through one port, and has another."""
    for bridge in network.links:
        if bridge.driver not in BRIDGES or not bridge.up:
            continue
        if device_standing(bridge, context).is_settled:
            continue
        ports = [port for port in ports_of(bridge, network) if port.up and not serves_others(port)]
        leads_out = has_outer_end(bridge) or is_default_route(bridge, network.routes)
        if leads_out and len(ports) > 1:
            yield Finding(
                subject=bridge.name,
                message=BRIDGED,
                params={"interface": bridge.name, "others": _names(ports)},
            )


def _routed(network: NetworkState, forwarding: ForwardingState) -> Iterator[Finding]:
    """One finding for both families: it is one switch that somebody turned."""
    ends = [link for link in network.links if _is_end(link, network)]
    for forwarding_links, colon in ((forwarding.ipv4, False), (forwarding.ipv6, True)):
        of_family = [link for link in ends if _speaks(link, network, colon=colon)]
        if len(of_family) > 1 and {link.name for link in of_family} & set(forwarding_links):
            first, *others = of_family
            yield Finding(
                subject="forwarding",
                message=TRANSLATES if _translates(forwarding, of_family) else ROUTES,
                params={"interface": first.name, "others": _names(others)},
            )
            return


def _is_end(link: Link, network: NetworkState) -> bool:
    outer = has_outer_end(link) or is_default_route(link, network.routes)
    return outer and link.up and link.carrier and not is_port(link) and not serves_others(link)


def _speaks(link: Link, network: NetworkState, *, colon: bool) -> bool:
    """Whether this link has an address or a default route of the family (IPv6: `colon`)."""
    return any((":" in address) is colon for address in own_addresses(link)) or any(
        route.interface == link.name and route.is_default and (":" in route.destination) is colon
        for route in network.routes
    )


def _translates(forwarding: ForwardingState, ends: Iterable[Link]) -> bool:
    """Whether a translation concerns these links: by its interface, or by naming none and
    no source of its own.
    """
    names = {link.name for link in ends}
    return any(
        rule.interface in names or not (rule.interface or rule.source)
        for rule in forwarding.translations
    )


def _names(links: Iterable[Link]) -> str:
    names = [link.name for link in links]
    return ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
