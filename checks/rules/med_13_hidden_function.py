"""A stick is also a keyboard or a network card.

Such a stick types commands or takes the machine's traffic over while it seems to hold files
(BadUSB).  What the kernel makes of a device counts, not what is printed on it: all functions of
one USB device are looked at together.  Telephones (MED-09) and modems (EXT-04) have rules of
their own, and a keyboard without storage is a keyboard.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.media import MediumAttached
from checks.finding import Finding
from checks.wording import medium_params

TYPES = "{medium} is a medium and a keyboard at once"
CONNECTS = "{medium} is a medium and a network card at once"


@check(
    rule="MED-13",
    on=MediumAttached,
    remedy=(
        "Pull it out at once and keep it. Ask where it comes from, and look at what was typed or "
        "sent meanwhile; never try it in another machine."
    ),
)
def hidden_function(attached: MediumAttached, context: Context) -> Iterator[Finding]:
    del context  # no registration makes a keyboard of a stick
    medium = attached.medium
    for function, message in (("keyboard", TYPES), ("network", CONNECTS)):
        if function in medium.others:
            yield Finding(subject=medium.key, message=message, params=medium_params(medium))
