"""One machine on two networks: an outside destination was reached past the intranet.

While its intranet link was up, this machine exchanged packets in both directions with an
address outside the hospital's plan, over an uplink that the plan does not know: a second
network card, a telephone, a modem, Wi-Fi, a tunnel.  The outside answered, so this is no
attempt: patient records can leave and malware can come in, past every control at the
boundary.

An address alone is never inside.  A prefix of the plan that is reached over another
interface or gateway than the plan names counts as outside.

An approval covers a connection only with its destination, its way, its subject and its
dates; one that has lapsed is EXT-16.  Attempts that nobody answered are counted under EXT-17.

When the hospital has a beacon of its own outside, the agent asks it over such an uplink, and
its signed answer confirms that the way is open, whoever else uses it.
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
    "({link_kind}, gateway {gateway}) while the intranet link {intranet} was up"
)
CONFIRMED = (
    "confirmed: the hospital's own beacon {beacon} answered over {interface} ({link_kind}, "
    "gateway {gateway}) while the intranet link {intranet} was up"
)


@check(
    rule="EXT-01",
    on=(ConnectionSeen, BeaconAnswered),
    needs=(NetworkState,),
    uses=(IntranetWitness,),
    remedy=(
        "Cut the extra uplink now, leave the intranet cable in. Phone the ward, find out whose "
        "device it is, and keep the machine as it is until the evidence has been secured."
    ),
)
def one_machine_two_networks(
    fact: ConnectionSeen | BeaconAnswered, context: Context
) -> Iterator[Finding]:
    if isinstance(fact, ConnectionSeen) and fact.answer != "two_way":
        return
    if leads_inside(fact.egress, context):
        return
    links = intranet_links(context.latest(NetworkState), context)
    if not links:
        return
    intranet = ", ".join(link.name for link in links)
    if isinstance(fact, BeaconAnswered):
        yield Finding(
            subject=way_subject(fact.egress),
            message=CONFIRMED,
            params={**way_params(fact.egress), "beacon": fact.beacon, "intranet": intranet},
            decided_by="beacon",
        )
        return
    decided = standing(fact, context)
    if decided.is_violation:
        yield Finding(
            subject=egress_subject(fact),
            message=REACHED,
            params={**connection_params(fact), "intranet": intranet},
            decided_by=decided.decided_by,
            count=fact.flows,
        )
