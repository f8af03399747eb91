"""A medium that nobody can look into: it is encrypted, or holds nothing that is known.

What cannot be read cannot be scanned, and not scanned is never clean.  That holds for LUKS and
BitLocker, and for content in which no file system was recognised: hidden containers look like
that, and so does a medium that is broken or was never formatted.  When a volume is unlocked and
mounted, it is scanned like any other.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.media import MediumAttached
from checks.finding import Finding
from checks.wording import medium_params

ENCRYPTED = "{partition} of {medium} is encrypted ({filesystem}) and cannot be scanned"
UNRECOGNISED = "{partition} of {medium} holds no file system that is known and cannot be scanned"


@check(
    rule="MED-15",
    on=MediumAttached,
    remedy=(
        "Have it unlocked and scanned by its owner, or taken out. What nobody can unlock is not "
        "used here."
    ),
)
def closed_medium(attached: MediumAttached, context: Context) -> Iterator[Finding]:
    del context  # what cannot be scanned is not scanned, whatever the policy says
    medium = attached.medium
    for partition in medium.partitions:
        if not partition.closed:
            continue
        yield Finding(
            subject=medium.key,
            message=ENCRYPTED if partition.closed == "encrypted" else UNRECOGNISED,
            params={
                **medium_params(medium),
                "partition": partition.device,
                "filesystem": partition.filesystem or "-",
            },
        )
