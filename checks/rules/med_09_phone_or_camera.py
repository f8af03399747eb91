"""A telephone or a camera hands out files over a cable.

Phones and cameras show their files by MTP, PTP, ADB or Apple's own protocol, none of which is a
disk: no scanner reads them first, and what is copied either way leaves no trace on a mount.  One
that is only charged shows none of these and is not meant, and neither is a camera that stands in
the media register.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.media import MediumAttached
from checks.facts.media_register import MediumStanding
from checks.finding import Finding
from checks.register import entry_of
from checks.wording import medium_params

ATTACHED = "{medium} ({medium_kind}) hands out files on this machine"
KINDS = ("phone", "camera")


@check(
    rule="MED-09",
    on=MediumAttached,
    uses=(MediumStanding,),
    remedy=(
        "Have it unplugged; telephones are charged from a socket. Pictures that are needed go over "
        "an import station, or with a camera of the ward that is registered."
    ),
)
def phone_or_camera(attached: MediumAttached, context: Context) -> Iterator[Finding]:
    medium = attached.medium
    if medium.kind not in KINDS:
        return
    entry = entry_of(medium, context)
    if entry is not None and entry.kind != "banned":
        return
    decided = f"media register {entry.number}" if entry else "default: not in the media register"
    yield Finding(
        subject=medium.key,
        message=ATTACHED,
        params=medium_params(medium),
        decided_by=decided,
    )
