"""A medium that nobody answers for, or that cannot be told from others.

Whoever finds a registered medium must be able to ask somebody about it: a line of the register
names a person or a department.  A banned medium needs neither.

Cheap sticks share serial numbers.  The same number in another body means that one of them is
a copy, whoever the register says it belongs to; so does a medium that is plugged in at two
endpoints at once, or was far away moments ago.

Others have no number at all, or one of noughts only.  Without a number a medium is known by its
make, its size and its file systems together: that is enough to register it, and a scan receipt holds
for what is on it.  One whose line of the register fits every medium of its make is no medium that
anybody could answer for.  What is not in the register is MED-01.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.duplicates import duplicates
from checks.facts.media import Medium, MediumAttached
from checks.facts.media_register import MediumStanding, MediumTwice, RegisteredMedium
from checks.finding import Finding
from checks.register import entry_of, names_somebody
from checks.wording import medium_params

OWNERLESS = "the media register names nobody who answers for {medium} (register number {number})"
ANY_OF_ITS_MAKE = (
    "{medium} has neither a serial number nor a file system of its own: register number {number} "
    "fits every medium of its make"
)


@check(
    rule="MED-12",
    on=(MediumAttached, MediumTwice),
    uses=(MediumStanding,),
    remedy=(
        "Enter in the register who answers for it. Take media that cannot be told apart out of "
        "use and compare them; register each by its key, or replace them."
    ),
)
def ownerless_medium(seen: MediumAttached | MediumTwice, context: Context) -> Iterator[Finding]:
    yield from duplicates(seen, context)
    entry = entry_of(seen.medium, context)
    if isinstance(seen, MediumTwice) or entry is None or entry.kind == "banned":
        return
    if not names_somebody(entry.owner + entry.department):
        yield _of_entry(seen.medium, entry, OWNERLESS)
    if _is_any_of_its_make(seen.medium):
        yield _of_entry(seen.medium, entry, ANY_OF_ITS_MAKE)


def _is_any_of_its_make(medium: Medium) -> bool:
    """What its key was made of is the same for others; a file system's id counts in it only
    where the device told no number, not even noughts.
    """
    if medium.serial:
        return not medium.serial.strip("0")
    return not (medium.table_uuid or any(part.uuid for part in medium.partitions))


def _of_entry(medium: Medium, entry: RegisteredMedium, message: str) -> Finding:
    return Finding(
        subject=medium.key,
        message=message,
        params={**medium_params(medium), "number": entry.number},
        decided_by=f"media register {entry.number}",
    )
