"""A disc, floppy or memory card is put into a machine that is no import station.

Patients bring pictures of other hospitals on discs, and cards come out of all kinds of devices.
They are needed, and nobody knows where they were before: an import station scans them and hands
on what is clean.  A medium of these kinds that stands in the media register may be used where
the register says.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.media import MediumAttached
from checks.facts.media_register import MediumStanding
from checks.finding import Finding
from checks.register import entry_of
from checks.stations import FOR_STATIONS, is_station
from checks.wording import medium_params

INSERTED = "{medium} ({medium_kind}) was put in here, which is no import station"


@check(
    rule="MED-10",
    on=MediumAttached,
    uses=(MediumStanding,),
    remedy=(
        "Have it taken out and brought to the import station, which scans it and copies what is "
        "clean."
    ),
)
def disc_or_card(attached: MediumAttached, context: Context) -> Iterator[Finding]:
    medium = attached.medium
    if medium.kind not in FOR_STATIONS or is_station(context):
        return
    if entry_of(medium, context) is not None:
        return
    yield Finding(
        subject=medium.key,
        message=INSERTED,
        params=medium_params(medium),
        decided_by="default: not in the media register",
    )
