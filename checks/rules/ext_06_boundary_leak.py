"""A leak in the boundary: an outside destination was reached through the intranet's gateway.

The hospital's own gateway let this machine reach an address outside the plan that nobody
approved, and the address answered.  So there is a hole in the firewall or in the isolation
gateway, and every machine behind it may have it.
"""

from collections.abc import Iterator

from checks.approvals import standing
from checks.check import Context, check
from checks.facts.connections import ConnectionSeen
from checks.facts.witness import IntranetWitness
from checks.finding import Finding
from checks.intranet import leads_inside
from checks.wording import connection_params, egress_subject


@check(
    rule="EXT-06",
    on=ConnectionSeen,
    uses=(IntranetWitness,),
    remedy=(
        "Close the way at the boundary device for this destination, then look which other "
        "machines used it. If the connection is needed, have it approved with an end date."
    ),
)
def boundary_leak(seen: ConnectionSeen, context: Context) -> Iterator[Finding]:
    if seen.answer != "two_way" or not leads_inside(seen.egress, context):
        return
    decided = standing(seen, context)
    if decided.is_violation:
        yield Finding(
            subject=egress_subject(seen),
            message=(
                "{process} exchanged {protocol} with {destination} through the intranet's own "
                "gateway {gateway} ({interface})"
            ),
            params=connection_params(seen),
            decided_by=decided.decided_by,
            count=seen.flows,
        )
