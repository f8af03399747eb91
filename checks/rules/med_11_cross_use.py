"""A medium is used both in the intranet and in an outside network.

What carries files from a network that reaches the internet into the intranet, or back, goes
round the gap between them.  Only a medium that is registered to ferry may do so; one that is
registered for the intranet must not be used outside at all.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.media import Medium, MediumMounted
from checks.facts.media_register import MediumStanding, RegisteredMedium
from checks.finding import Finding
from checks.register import came_from, entry_of
from checks.wording import medium_params

CROSSED = "{medium} came from {other} in zone {other_zone} and was mounted in zone {zone}"
OUTSIDE = "{medium} is for the intranet only (register number {number}), mounted in zone {zone}"


@check(
    rule="MED-11",
    on=MediumMounted,
    uses=(MediumStanding,),
    remedy=(
        "Have it taken out and scanned. Find out what was carried over; if this must be, "
        "register a medium of the kind ferry for it."
    ),
)
def cross_use(mounted: MediumMounted, context: Context) -> Iterator[Finding]:
    entry = entry_of(mounted.medium, context)
    zone = context.endpoint.zone
    side = context.policy.side_of(zone)
    if not side or (entry is not None and entry.kind == "ferry"):
        return
    if entry is not None and entry.kind == "internal" and side == "external":
        yield _finding(mounted.medium, entry, OUTSIDE, {"zone": zone, "number": entry.number})
        return
    before = came_from(mounted.medium, context)
    if before is None or context.policy.side_of(before.zone) in ("", side):
        return
    told = {"zone": zone, "other": before.name or before.endpoint, "other_zone": before.zone}
    yield _finding(mounted.medium, entry, CROSSED, told)


def _finding(
    medium: Medium, entry: RegisteredMedium | None, message: str, told: dict[str, str]
) -> Finding:
    return Finding(
        subject=medium.key,
        message=message,
        params={**medium_params(medium), **told},
        decided_by=f"media register {entry.number}" if entry else "default: no ferry record",
    )
