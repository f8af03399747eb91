"""Outreach while away: an outside destination was reached with no intranet link up.

A machine of the hospital network was taken off the intranet and connected elsewhere: a
laptop at home, a workstation on a 4G stick with its cable pulled.  Nothing can reach the
intranet through it at that moment, but what was on it can leave, and what it catches comes
back with it.  The connections are journalled with their true times and reported when the
machine returns.

Away is a machine whose links are not the intranet: no link fits the address plan, or one does
and its gateway is another than those past which the collector has ever answered, as a router at
home with the hospital's own address.  That the collector is down makes nobody away.

A way to the hospital from outside (VPN) needs two lines in the policy: the tunnel in the
address plan, and an approval for its server over that kind of link.
"""

from collections.abc import Iterator

from checks.approvals import standing
from checks.check import Context, check
from checks.facts.connections import ConnectionSeen
from checks.facts.network import NetworkState
from checks.facts.witness import BeaconAnswered, IntranetWitness
from checks.finding import Finding
from checks.intranet import intranet_links, leads_inside
from checks.wording import connection_params, egress_subject, way_params, way_subject

REACHED = (
    "{process} exchanged {protocol} with {destination} over {interface} "
    "({link_kind}, gateway {gateway}) while the machine was away from the intranet"
)
CONFIRMED = (
    "confirmed: the hospital's own beacon {beacon} answered over {interface} ({link_kind}, "
    "gateway {gateway}) while the machine was away from the intranet"
)


@check(
    rule="EXT-02",
    on=(ConnectionSeen, BeaconAnswered),
    needs=(NetworkState,),
    uses=(IntranetWitness,),
    remedy=(
        "Ask the owner where the machine was and who allowed it. Scan it before it is used on "
        "the intranet again."
    ),
)
def away_outside(fact: ConnectionSeen | BeaconAnswered, context: Context) -> Iterator[Finding]:
    if isinstance(fact, ConnectionSeen) and fact.answer != "two_way":
        return
    if leads_inside(fact.egress, context) or intranet_links(context.latest(NetworkState), context):
        return
    if isinstance(fact, BeaconAnswered):
        yield Finding(
            subject=way_subject(fact.egress),
            message=CONFIRMED,
            params={**way_params(fact.egress), "beacon": fact.beacon},
            decided_by="beacon",
        )
        return
    decided = standing(fact, context)
    if decided.is_violation:
        yield Finding(
            subject=egress_subject(fact),
            message=REACHED,
            params=connection_params(fact),
            decided_by=decided.decided_by,
            count=fact.flows,
        )
