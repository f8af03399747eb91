"""A removable medium that is not in the register is mounted.

A stick nobody registered carries patient records out of the ward and malware into it.  A
medium counts as removable by the way it is attached (USB, card slot, Thunderbolt, optical),
not by a flag that the device sets itself.  It is known by what it is, not by its serial
number alone, which cheap sticks share or lack.

Discs, floppies and cards are MED-10.  At an import station media from outside may be put in, and
a disc that is part of a signature key or another device is no medium of its own.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.media import MediumMounted
from checks.facts.media_register import MediumStanding
from checks.finding import Finding
from checks.register import entry_of
from checks.stations import FOR_STATIONS, is_station
from checks.wording import medium_params

UNREGISTERED = "{medium} is not in the media register and was mounted"
NOT_MEANT = (*FOR_STATIONS, "token")
BANNED = "{medium} is banned (register number {number}) and was mounted"


@check(
    rule="MED-01",
    on=MediumMounted,
    uses=(MediumStanding,),
    remedy="Have it taken out and brought to the computer centre to be registered.",
)
def unregistered_medium(mounted: MediumMounted, context: Context) -> Iterator[Finding]:
    medium = mounted.medium
    entry = entry_of(medium, context)
    params = medium_params(medium)
    if entry is None and (medium.kind in NOT_MEANT or is_station(context)):
        return
    if entry is None:
        yield Finding(
            subject=medium.key,
            message=UNREGISTERED,
            params=params,
            decided_by="default: not in the media register",
        )
        return
    if entry.kind == "banned":
        yield Finding(
            subject=medium.key,
            message=BANNED,
            params={**params, "number": entry.number},
            decided_by=f"media register {entry.number}",
        )
