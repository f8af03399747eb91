"""A second way out: a default route or an address that the plan does not know.

This machine has a second default route, or a second network card with an address outside
the hospital's plan.  Nothing need have been reached yet: the path exists, and the next
packet may take it.  A case under EXT-01 follows when something is reached.

Loopback, link-local addresses and links without another end outside the machine (bridges of
virtual machines and containers without a default route) are not counted.  A telephone or
modem is one case, EXT-04, whatever addresses and routes it brings.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.network import Link, NetworkState, Route
from checks.finding import Finding
from checks.plan import egress_over, is_local

WITHOUT_OUTER_END = ("loopback", "bridge")
UNPLANNED_ROUTE = "a default route leads over {interface} ({link_kind}) to gateway {gateway}"
UNPLANNED_ADDRESS = "{interface} ({link_kind}) has the address {address} outside the address plan"


@check(
    rule="EXT-03",
    on=NetworkState,
    remedy=(
        "Find out what the second connection is for and take it away, or have it entered in "
        "the address plan by the security officer."
    ),
)
def second_way_out(network: NetworkState, context: Context) -> Iterator[Finding]:
    for link in network.links:
        mobile = context.policy.plan.leads_mobile(link, network.routes)
        if link.up and link.kind != "loopback" and not mobile:
            reason = _unplanned_route(link, network, context) or _unplanned_address(
                link, network, context
            )
            if reason:
                yield reason


def _unplanned_route(link: Link, network: NetworkState, context: Context) -> Finding | None:
    for route in network.routes:
        if route.interface != link.name or not route.is_default:
            continue
        if not context.policy.plan.knows_uplink(egress_over(link, route, network.routes)):
            return Finding(
                subject=link.name,
                message=UNPLANNED_ROUTE,
                params={**_link_params(link), "gateway": _gateway_text(route)},
            )
    return None


def _unplanned_address(link: Link, network: NetworkState, context: Context) -> Finding | None:
    if link.kind in WITHOUT_OUTER_END or not link.carrier:
        return None
    plan = context.policy.plan
    egress = egress_over(link, None, network.routes)
    for address in link.addresses:
        if is_local(address.address) or plan.zone_of(address.address, egress):
            continue
        return Finding(
            subject=link.name,
            message=UNPLANNED_ADDRESS,
            params={**_link_params(link), "address": address.address},
        )
    return None


def _link_params(link: Link) -> dict[str, str]:
    return {"interface": link.name, "link_kind": link.kind, "device": link.description or "-"}


def _gateway_text(route: Route) -> str:
    return f"{route.gateway} ({route.gateway_mac})" if route.gateway_mac else route.gateway or "-"
