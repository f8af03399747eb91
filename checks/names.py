"""Whose name server it is, and which answers only the outside gives."""

import ipaddress
from collections.abc import Iterable

from checks.check import Context
from checks.facts.connections import Egress, NamedBy
from checks.intranet import leads_inside
from checks.plan import parsed_address, parsed_prefix
from checks.policy import Policy


def is_listed(server: str, policy: Policy) -> bool:
    """Whether the policy names this server as the hospital's."""
    address = parsed_address(server)
    return any(address in parsed_prefix(prefix) for prefix in policy.names.resolvers)


def is_hospitals(server: str, egress: Egress, policy: Policy) -> bool:
    """Whether the server that is asked this way is the hospital's.

    One that is listed and lies in the address plan must be reached the way the plan says:
    a telephone may have the same address.  While none is listed, any that is inside is.
    """
    inside = policy.plan.zone_of(server, egress) is not None
    if not policy.names.resolvers:
        return inside
    return is_listed(server, policy) and (inside or not policy.plan.holds(server))


def fits_plan(by: NamedBy, policy: Policy) -> bool:
    """Whether by the policy alone the hospital gave this name: its server, over its own way."""
    return policy.plan.knows_uplink(by.egress) and is_hospitals(by.server, by.egress, policy)


def is_vouched_for(by: NamedBy | None, context: Context) -> bool:
    """Whether a name is the hospital's word: one of its servers gave it, over a way that is
    the intranet.  Anybody else can call his own address by an approved name; a telephone
    or a router at home can have the address of the hospital's server.
    """
    return by is not None and fits_plan(by, context.policy) and leads_inside(by.egress, context)


def is_foreign(server: str, policy: Policy) -> bool:
    """Whether a configured server is not the hospital's, whatever the way to it.

    A policy with neither name servers nor an address plan calls none foreign.
    """
    if parsed_address(server).is_loopback:
        return False
    if policy.names.resolvers:
        return not is_listed(server, policy)
    return bool(policy.zones) and not policy.plan.holds(server)


def public_addresses(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those that belong to the internet: a hospital's server that lies about the canary
    answers with none of them.
    """
    return tuple(text for text in addresses if ipaddress.ip_address(text).is_global)
