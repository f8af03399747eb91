"""A registered medium is used where, when or more often than its registration allows.

The register says for whom a medium is: endpoints or departments, zones, hours of the week, how
often, until when.  A medium that was reported lost must not be plugged in anywhere: whoever
has it now is not who should.
"""

from collections.abc import Iterator
from datetime import datetime

from checks.check import Context, check
from checks.facts.media import MediumAttached, MediumMounted
from checks.facts.media_register import MediumStanding, RegisteredMedium
from checks.finding import Finding
from checks.policy.schedule import weekly_time
from checks.register import entry_of, standing_of
from checks.wording import medium_params

LOST = "{medium} was reported lost (register number {number}) and was plugged in"
ENDED = "{medium} was mounted after its registration {number} ended on {expires}"
ELSEWHERE = (
    "{medium} (register number {number}) is registered for {scope} and was mounted elsewhere"
)
OTHER_ZONE = "{medium} (register number {number}) was mounted in zone {zone}; it is for {zones}"
AT_ANOTHER_TIME = "{medium} (register number {number}) was mounted outside its hours {hours}"
TOO_OFTEN = "{medium} (register number {number}) was used more often than {allowed} times"
_MICROSECONDS = 1_000_000


@check(
    rule="MED-02",
    on=(MediumAttached, MediumMounted),
    uses=(MediumStanding,),
    remedy=(
        "Have it taken out. Ask its owner why it is used here; change its registration if it "
        "should be, and bring a lost medium to the computer centre."
    ),
)
def out_of_scope(seen: MediumAttached | MediumMounted, context: Context) -> Iterator[Finding]:
    entry = entry_of(seen.medium, context)
    if entry is None or entry.kind == "banned":
        return
    if entry.lost:
        messages = [LOST]
    elif isinstance(seen, MediumMounted):
        uses = _uses(seen, context)
        messages = [*_outside(entry, context), *([TOO_OFTEN] if _is_used_up(entry, uses) else [])]
    else:
        return
    for message in messages:
        yield Finding(
            subject=seen.medium.key,
            message=message,
            params={**medium_params(seen.medium), **_params(entry, context)},
            decided_by=f"media register {entry.number}",
        )


def _outside(entry: RegisteredMedium, context: Context) -> Iterator[str]:
    endpoint, policy = context.endpoint, context.policy
    if policy.day(context.at_us) > entry.expires:
        yield ENDED
    named = endpoint.id in entry.endpoints or endpoint.name in entry.endpoints
    if (entry.endpoints or entry.departments) and not (
        named or endpoint.department in entry.departments
    ):
        yield ELSEWHERE
    if entry.zones and endpoint.zone not in entry.zones:
        yield OTHER_ZONE
    local = datetime.fromtimestamp(context.at_us / _MICROSECONDS, policy.zone_info)
    if entry.hours and not weekly_time(entry.hours).holds(local):
        yield AT_ANOTHER_TIME


def _uses(seen: MediumMounted, context: Context) -> int:
    standing = standing_of(seen.medium, context)
    return standing.uses if standing else 0


def _is_used_up(entry: RegisteredMedium, uses: int) -> bool:
    return bool(entry.uses) and uses >= entry.uses


def _params(entry: RegisteredMedium, context: Context) -> dict[str, str]:
    return {
        "number": entry.number,
        "expires": entry.expires.isoformat(),
        "scope": ", ".join((*entry.endpoints, *entry.departments)) or "-",
        "zone": context.endpoint.zone or "-",
        "zones": ", ".join(entry.zones) or "-",
        "hours": entry.hours or "-",
        "allowed": str(entry.uses),
    }
