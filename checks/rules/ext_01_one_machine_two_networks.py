"""One machine on two networks: an outside destination was reached past the intranet.

While its intranet link was up, this machine exchanged packets in both directions with an
address outside the hospital's plan, over an uplink that the plan does not know: a second
network card, a telephone, a modem, Wi-Fi, a tunnel.  The outside answered, so this is no
attempt: patient records can leave and malware can come in, past every control at the
boundary.

An address alone is never inside.  A prefix of the plan that is reached over another
interface or gateway than the plan names counts as outside.

An approval covers a connection only with its destination, its way, its subject and its
dates.  Attempts that nobody answered are counted under EXT-17.
"""

from collections.abc import Iterator

from checks.approvals import standing
from checks.check import Context, check
from checks.facts.connections import ConnectionSeen
from checks.facts.network import NetworkState
from checks.finding import Finding
from checks.wording import connection_params, egress_subject


@check(
    rule="EXT-01",
    on=ConnectionSeen,
    needs=(NetworkState,),
    remedy=(
        "Cut the extra uplink now, leave the intranet cable in. Phone the ward, find out whose "
        "device it is, and keep the machine as it is until the evidence has been secured."
    ),
)
def one_machine_two_networks(seen: ConnectionSeen, context: Context) -> Iterator[Finding]:
    plan = context.policy.plan
    if seen.answer != "two_way" or plan.knows_uplink(seen.egress):
        return
    intranet = plan.intranet_links(context.latest(NetworkState))
    decided = standing(seen, context)
    if intranet and not decided.accepted:
        yield Finding(
            subject=egress_subject(seen),
            message=(
                "{process} exchanged {protocol} with {destination} over {interface} "
                "({link_kind}, gateway {gateway}) while the intranet link {intranet} was up"
            ),
            params={
                **connection_params(seen),
                "intranet": ", ".join(link.name for link in intranet),
            },
            decided_by=decided.decided_by,
            count=seen.flows,
        )
