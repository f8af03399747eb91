"""Outreach while away: an outside destination was reached with no intranet link up.

A machine of the hospital network was taken off the intranet and connected elsewhere: a
laptop at home, a workstation on a 4G stick with its cable pulled.  Nothing can reach the
intranet through it at that moment, but what was on it can leave, and what it catches comes
back with it.  The connections are journalled with their true times and reported when the
machine returns.
"""

from collections.abc import Iterator

from checks.approvals import standing
from checks.check import Context, check
from checks.facts.connections import ConnectionSeen
from checks.facts.network import NetworkState
from checks.finding import Finding
from checks.wording import connection_params, egress_subject


@check(
    rule="EXT-02",
    on=ConnectionSeen,
    needs=(NetworkState,),
    remedy=(
        "Ask the owner where the machine was and who allowed it. Scan it before it is used on "
        "the intranet again."
    ),
)
def away_outside(seen: ConnectionSeen, context: Context) -> Iterator[Finding]:
    plan = context.policy.plan
    if seen.answer != "two_way" or plan.knows_uplink(seen.egress):
        return
    decided = standing(seen, context)
    if not plan.intranet_links(context.latest(NetworkState)) and not decided.accepted:
        yield Finding(
            subject=egress_subject(seen),
            message=(
                "{process} exchanged {protocol} with {destination} over {interface} "
                "({link_kind}, gateway {gateway}) while the machine was away from the intranet"
            ),
            params=connection_params(seen),
            decided_by=decided.decided_by,
            count=seen.flows,
        )
