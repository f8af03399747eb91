"""An attempt: something tried to reach outside and nobody answered.

Software tries all day on an isolated network: update services, input methods, drivers.  An
attempt is no success, so it is counted and never mailed.  Refusals count as attempts, too: a
reset or an unreachable message can come from the hospital's own firewall.  What was answered
is a case under EXT-01, EXT-02 or EXT-06.
"""

from collections.abc import Iterator

from checks.approvals import standing
from checks.check import Context, check
from checks.facts.connections import ConnectionSeen
from checks.facts.witness import IntranetWitness
from checks.finding import Finding
from checks.wording import connection_params, egress_subject


@check(
    rule="EXT-17",
    on=ConnectionSeen,
    uses=(IntranetWitness,),
    remedy=(
        "Nothing urgent. Look in the weekly review which programs keep trying and switch their "
        "update functions off."
    ),
)
def attempt(seen: ConnectionSeen, context: Context) -> Iterator[Finding]:
    if seen.answer == "two_way":
        return
    decided = standing(seen, context)
    if not decided.accepted:
        yield Finding(
            subject=egress_subject(seen),
            message="{process} tried {destination} ({protocol}) over {interface}; no answer",
            params=connection_params(seen),
            decided_by=decided.decided_by,
            count=seen.flows,
        )
