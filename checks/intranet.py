"""Whether a way is the intranet: by the address plan, and as the collector's answers prove it.

A router at home can have the same address and prefix as the hospital's.  So a link that fits
the plan is the intranet unless its gateways are known by their MAC, the plan does not name
that MAC, and the collector has answered past others only.  Before its first answer, and where no MAC is known, the plan alone
decides; that the collector is down changes nothing, because a gateway stays witnessed.
"""

from collections.abc import Iterable

from checks.check import Context
from checks.facts.connections import Egress, Gateway
from checks.facts.network import Link, NetworkState
from checks.facts.witness import IntranetWitness
from checks.plan import egress_over


def leads_inside(egress: Egress, context: Context) -> bool:
    """Whether this way is the intranet's own."""
    return context.policy.plan.knows_uplink(egress) and not _is_belied(egress, context)


def intranet_links(network: NetworkState, context: Context) -> tuple[Link, ...]:
    """Links that are up, have an address inside, and lead to the intranet."""
    return tuple(
        link
        for link in context.policy.plan.intranet_links(network)
        if not _is_belied(egress_over(link, None, network.routes), context)
    )


def is_witnessed(gateways: Iterable[Gateway], witness: IntranetWitness | None) -> bool | None:
    """Whether the collector answered past any of these gateways; None when nobody can say:
    it never answered past a gateway, or these have no known MAC.
    """
    macs = {gateway.mac.lower() for gateway in gateways if gateway.mac}
    if witness is None or not witness.gateways or not macs:
        return None
    return not macs.isdisjoint(gateway.mac.lower() for gateway in witness.gateways)


def _is_belied(egress: Egress, context: Context) -> bool:
    named_by_mac = (way for zone in context.policy.zones for way in zone.via if way.gateway_mac)
    if any(way.carries(egress) for way in named_by_mac):
        return False
    own = Gateway(address=egress.gateway, mac=egress.gateway_mac)
    gateways = (own, *egress.link_gateways) if egress.gateway else egress.link_gateways
    witness = context.latest_if_known(IntranetWitness)
    return is_witnessed(gateways, witness) is False
