"""A lapsed approval is still used: expired, not begun, out of its hours or out of its scope.

An approval or an exception names this destination, this way and this endpoint, but it does not
hold at this moment: it has ended, has not begun, or the hour is outside its schedule; or an
exception is used for another port or protocol than it was granted for.  An approved device
whose approval has ended is attached, or its link is up.

Judged by the collector's own time where an endpoint's clock could be set back to bring an
approval to life again.  What is reported here is not reported under EXT-01, EXT-02 or EXT-06
as well, nor a device under EXT-03, EXT-04, EXT-05 or EXT-08.
"""

from collections.abc import Iterator

from checks.approvals import Lapse, WhyLapsed, standing
from checks.approved_devices import attached_standing, device_standing
from checks.check import Context, check
from checks.facts.connections import ConnectionSeen
from checks.facts.network import NetworkState, UplinkDevice
from checks.facts.witness import IntranetWitness
from checks.finding import Finding
from checks.wording import connection_params

EXPIRED = (
    "{process} exchanged {protocol} with {destination} over {interface}: the approval {approval} "
    "({owner}) ended {until}"
)
NOT_BEGUN = (
    "{process} exchanged {protocol} with {destination} over {interface}: the approval {approval} "
    "({owner}) begins only {since}"
)
OUTSIDE_SCHEDULE = (
    "{process} exchanged {protocol} with {destination} over {interface}: the approval {approval} "
    "({owner}) holds only {schedule}"
)
OUT_OF_SCOPE = (
    "{process} exchanged {protocol} with {destination} over {interface}: the exception {approval} "
    "({owner}) is not for this port or protocol"
)
DEVICE_EXPIRED = "{device} ({link_kind}) is in use: its approval {approval} ({owner}) ended {until}"
DEVICE_NOT_BEGUN = (
    "{device} ({link_kind}) is in use: its approval {approval} ({owner}) begins only {since}"
)
_CONNECTION: dict[WhyLapsed, str] = {
    "expired": EXPIRED,
    "not_begun": NOT_BEGUN,
    "outside_schedule": OUTSIDE_SCHEDULE,
    "out_of_scope": OUT_OF_SCOPE,
}


@check(
    rule="EXT-16",
    on=(ConnectionSeen, NetworkState, UplinkDevice),
    uses=(IntranetWitness,),
    remedy=(
        "Ask the approval's owner whether it is still needed. If so, have it applied for and "
        "approved anew; if not, have the connection or the device taken away."
    ),
)
def lapsed_approval(
    fact: ConnectionSeen | NetworkState | UplinkDevice, context: Context
) -> Iterator[Finding]:
    match fact:
        case ConnectionSeen():
            yield from _connection(fact, context)
        case NetworkState():
            yield from _links(fact, context)
        case UplinkDevice(action="attached"):
            lapse = attached_standing(fact, context).lapse
            if lapse is not None:
                yield _device(lapse, fact.description or fact.device, fact.uplink)


def _connection(seen: ConnectionSeen, context: Context) -> Iterator[Finding]:
    if seen.answer != "two_way":
        return
    decided = standing(seen, context)
    if decided.lapse is not None:
        yield Finding(
            subject=decided.lapse.entry.name,
            message=_CONNECTION[decided.lapse.why],
            params={**connection_params(seen), **_approval(decided.lapse)},
            decided_by=decided.decided_by,
            count=seen.flows,
        )


def _links(network: NetworkState, context: Context) -> Iterator[Finding]:
    told: set[str] = set()
    for link in network.links:
        lapse = device_standing(link, context).lapse if link.up else None
        if lapse is not None and lapse.entry.name not in told:
            told.add(lapse.entry.name)
            yield _device(lapse, link.description or link.device or link.name, link.kind)


def _device(lapse: Lapse, device: str, kind: str) -> Finding:
    return Finding(
        subject=lapse.entry.name,
        message=DEVICE_NOT_BEGUN if lapse.why == "not_begun" else DEVICE_EXPIRED,
        params={"device": device, "link_kind": kind, **_approval(lapse)},
        decided_by=f"lapsed {lapse.entry.name}",
    )


def _approval(lapse: Lapse) -> dict[str, str]:
    entry = lapse.entry
    return {
        "approval": entry.name,
        "owner": entry.applicant or entry.contact or "-",
        "since": entry.starts or "-",
        "until": entry.expires,
        "schedule": ", ".join(getattr(entry, "schedule", ())) or "-",
    }
