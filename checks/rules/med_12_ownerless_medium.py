"""A medium that cannot be told from others, so that nobody answers for it.

Cheap sticks share serial numbers.  The same number in another body means that one of them is
a copy, whoever the register says it belongs to; so does a medium that is plugged in at two
endpoints at once, or was far away moments ago.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.duplicates import duplicates
from checks.facts.media import MediumAttached
from checks.facts.media_register import MediumStanding, MediumTwice
from checks.finding import Finding


@check(
    rule="MED-12",
    on=(MediumAttached, MediumTwice),
    uses=(MediumStanding,),
    remedy=(
        "Take both media out of use and compare them. Register each by its key, or replace them."
    ),
)
def ownerless_medium(seen: MediumAttached | MediumTwice, context: Context) -> Iterator[Finding]:
    yield from duplicates(seen, context)
