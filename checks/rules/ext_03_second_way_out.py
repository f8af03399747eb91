"""A second way out: a default route or an address that the plan does not know.

While it is on the intranet, this machine has a second default route, or a second network card
with an address outside the hospital's plan.  Nothing need have been reached yet: the path
exists, and the next packet may take it.  A case under EXT-01 follows when something is reached.
A router that announces itself over IPv6 gives such a route to every machine that listens.

Loopback, link-local addresses and links without another end outside the machine (bridges of
virtual machines and containers, host-only networks) are not counted unless a default route
leads over them, nor is a device that is approved. A telephone or modem is EXT-04, an unlisted
Wi-Fi EXT-05, a tunnel EXT-08, a device whose approval has lapsed EXT-16, whatever addresses and
routes they bring.
"""

from collections.abc import Iterator

from checks.approved_devices import device_standing
from checks.check import Context, check
from checks.facts.network import Link, NetworkState, Route
from checks.facts.witness import IntranetWitness
from checks.finding import Finding
from checks.intranet import intranet_links
from checks.links import TUNNELS, has_outer_end, is_port, listed, own_addresses, serves_others
from checks.plan import egress_over

UNPLANNED_ROUTE = "a default route leads over {interface} ({link_kind}) to gateway {gateway}"
ANNOUNCED_ROUTE = (
    "a router announced itself: a default route leads over {interface} ({link_kind}) to {gateway}"
)
UNPLANNED_ADDRESS = "{interface} ({link_kind}) has the address {address} outside the address plan"


@check(
    rule="EXT-03",
    on=NetworkState,
    uses=(IntranetWitness,),
    remedy=(
        "Find out what the second connection is for and take it away, or have it entered in "
        "the address plan by the security officer."
    ),
)
def second_way_out(network: NetworkState, context: Context) -> Iterator[Finding]:
    if not intranet_links(network, context):
        return
    for link in network.links:
        if not link.up or link.kind == "loopback" or _is_another_rules(link, network, context):
            continue
        reason = _unplanned_route(link, network, context) or _unplanned_address(
            link, network, context
        )
        if reason:
            yield reason


def _is_another_rules(link: Link, network: NetworkState, context: Context) -> bool:
    if device_standing(link, context).is_settled:
        return True
    if link.kind in TUNNELS or is_port(link) or serves_others(link):
        return True
    return _is_wireless(link, context) or context.policy.plan.leads_mobile(link, network.routes)


def _is_wireless(link: Link, context: Context) -> bool:
    """Whether EXT-05 speaks about it, or it is just leaving its network."""
    if link.wifi is None:
        return False
    unlisted = bool(link.wifi.ssid) and not listed(link.wifi, context.policy.wireless)
    return unlisted or not link.carrier


def _unplanned_route(link: Link, network: NetworkState, context: Context) -> Finding | None:
    for route in network.routes:
        if route.interface != link.name or not route.is_default:
            continue
        if not context.policy.plan.knows_uplink(egress_over(link, route, network.routes)):
            announced = route.origin == "router_advertisement"
            return Finding(
                subject=link.name,
                message=ANNOUNCED_ROUTE if announced else UNPLANNED_ROUTE,
                params={**_link_params(link), "gateway": _gateway_text(route)},
            )
    return None


def _unplanned_address(link: Link, network: NetworkState, context: Context) -> Finding | None:
    if not link.carrier or not has_outer_end(link):
        return None
    plan = context.policy.plan
    egress = egress_over(link, None, network.routes)
    for address in own_addresses(link):
        if plan.zone_of(address, egress) is None:
            return Finding(
                subject=link.name,
                message=UNPLANNED_ADDRESS,
                params={**_link_params(link), "address": address},
            )
    return None


def _link_params(link: Link) -> dict[str, str]:
    return {"interface": link.name, "link_kind": link.kind, "device": link.description or "-"}


def _gateway_text(route: Route) -> str:
    return f"{route.gateway} ({route.gateway_mac})" if route.gateway_mac else route.gateway or "-"
