"""An address on the intranet is another than the register has.

Address, prefix length, gateway or hardware address of this machine differ from its IP-MAC
binding in the policy.  Where the policy binds nothing, what counts is how the machine stood
there the last time: somebody who gives his machine another address may be taking a
colleague's place, or hiding.

A machine that moved as a whole to another network is DEV-03, an address that no zone of the
plan holds is EXT-03, and a link that is down says nothing.
"""

import ipaddress
from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.network import Link, NetworkState
from checks.facts.place import AddressChanged
from checks.facts.witness import IntranetWitness
from checks.finding import Finding
from checks.intranet import intranet_links
from checks.policy.network import Binding

BOUND_ADDRESS = "{interface} has the address {found}; the register has {bound}"
BOUND_GATEWAY = "{interface} uses the gateway {found}; the register has {bound}"
BOUND_MAC = "{interface} has the hardware address {found}; the register has {bound}"
CHANGED_ADDRESS = "the address of {interface} changed from {before} to {after}"
CHANGED_GATEWAY = "the gateway of {interface} changed from {before} to {after}"
CHANGED_MAC = "the hardware address of {interface} changed from {before} to {after}"
CHANGED = {"address": CHANGED_ADDRESS, "gateway": CHANGED_GATEWAY, "mac": CHANGED_MAC}


@check(
    rule="EXT-10",
    on=(NetworkState, AddressChanged),
    uses=(IntranetWitness,),
    remedy=(
        "Ask who changed it and why. Have the old address restored, or enter the new one in the "
        "register."
    ),
)
def address_changed(fact: NetworkState | AddressChanged, context: Context) -> Iterator[Finding]:
    binding = _binding(context)
    if isinstance(fact, AddressChanged):
        if binding is None or not getattr(binding, fact.what):
            yield Finding(
                subject=fact.interface,
                message=CHANGED[fact.what],
                params={
                    "interface": fact.interface,
                    "before": fact.before,
                    "after": fact.after,
                },
            )
        return
    # a link of the plan past which the collector never answers may be the bound one
    if binding is not None and intranet_links(fact, context):
        links = context.policy.plan.intranet_links(fact)
        yield from _unbound(binding, _meant(binding, links), fact, context)


def _binding(context: Context) -> Binding | None:
    names = {context.endpoint.id, context.endpoint.name}
    return next((each for each in context.policy.bindings if each.endpoint in names), None)


def _meant(binding: Binding, links: tuple[Link, ...]) -> Link:
    """The link that the binding speaks of: the one with its address, else with its MAC."""
    for link in links:
        if binding.address and any(_same(a.address, binding.address) for a in link.addresses):
            return link
    with_mac = (link for link in links if link.mac == binding.mac.lower())
    return next(with_mac, links[0])


def _unbound(
    binding: Binding, link: Link, network: NetworkState, context: Context
) -> Iterator[Finding]:
    decided_by = f"binding {binding.endpoint}"
    compared = (
        (BOUND_ADDRESS, _written_address(binding), _address_of(link, binding, context)),
        (BOUND_GATEWAY, binding.gateway, _gateway_of(link, binding, network)),
        (BOUND_MAC, binding.mac.lower(), link.mac),
    )
    for message, bound, found in compared:
        if bound and found and not _same(bound, found):
            yield Finding(
                subject=link.name,
                message=message,
                params={"interface": link.name, "found": found, "bound": bound},
                decided_by=decided_by,
            )


def _written_address(binding: Binding) -> str:
    length = f"/{binding.prefix_length}" if binding.prefix_length else ""
    return f"{binding.address}{length}" if binding.address else ""


def _address_of(link: Link, binding: Binding, context: Context) -> str:
    """The link's address to compare: the bound one if it is there, else one of the plan."""
    held = [a for a in link.addresses if context.policy.plan.holds(a.address)]
    if binding.address:
        held = [a for a in held if (":" in a.address) == (":" in binding.address)]
    held.sort(key=lambda a: not _same(a.address, binding.address))
    length = f"/{held[0].prefix_length}" if held and binding.prefix_length else ""
    return f"{held[0].address}{length}" if held else ""


def _gateway_of(link: Link, binding: Binding, network: NetworkState) -> str:
    """The bound gateway if any route takes it, else that of the best default route."""
    routes = [
        route
        for route in network.routes
        if route.interface == link.name
        and route.gateway
        and (":" in route.gateway) == (":" in binding.gateway)
    ]
    if any(_same(route.gateway, binding.gateway) for route in routes):
        return binding.gateway
    routes.sort(key=lambda route: (not route.is_default, route.metric))
    return routes[0].gateway if routes else ""


def _same(one: str, other: str) -> bool:
    """Addresses in any writing, with or without a prefix length; other text as it is."""
    try:
        return ipaddress.ip_interface(one) == ipaddress.ip_interface(other)
    except ValueError:
        return one == other
