"""A stick is also a keyboard or a network card, or a new keyboard came where none may.

Such a stick types commands or takes the machine's traffic over while it seems to hold files
(BadUSB).  What the kernel makes of a device counts, not what is printed on it: all functions of
one USB device are looked at together.  Telephones (MED-09) and modems (EXT-04) have rules of
their own, and a keyboard without storage is a keyboard.

Where the policy lists an endpoint under `scanning.fixed_keyboards`, a keyboard that it never had
counts, too; the first start after the installation only takes note.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.keyboards import KeyboardAppeared
from checks.facts.media import MediumAttached
from checks.finding import Finding
from checks.stations import is_listed
from checks.wording import medium_params

TYPES = "{medium} is a medium and a keyboard at once"
CONNECTS = "{medium} is a medium and a network card at once"
NEW_KEYBOARD = "a new keyboard at a fixed workplace: {name} ({device})"


@check(
    rule="MED-13",
    on=(MediumAttached, KeyboardAppeared),
    remedy=(
        "Pull it out at once and keep it. Ask where it comes from, and look at what was typed or "
        "sent meanwhile; never try it in another machine."
    ),
)
def hidden_function(seen: MediumAttached | KeyboardAppeared, context: Context) -> Iterator[Finding]:
    if isinstance(seen, KeyboardAppeared):
        yield from _new_keyboard(seen, context)
        return
    medium = seen.medium
    for function, message in (("keyboard", TYPES), ("network", CONNECTS)):
        if function in medium.others:
            yield Finding(subject=medium.key, message=message, params=medium_params(medium))


def _new_keyboard(appeared: KeyboardAppeared, context: Context) -> Iterator[Finding]:
    if not is_listed(context.endpoint, context.policy.scanning.fixed_keyboards):
        return
    yield Finding(
        subject=appeared.device,
        message=NEW_KEYBOARD,
        params={"name": appeared.name or "-", "device": appeared.device},
        decided_by="scanning.fixed_keyboards",
    )
