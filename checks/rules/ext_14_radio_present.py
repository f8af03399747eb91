"""Radio hardware is present, switched off, on an endpoint that may have none.

The endpoint belongs to a class that works by cable alone. A Wi-Fi, Bluetooth or modem device
is built in or plugged in; it is blocked or has no driver, so nothing can leave by it now, but
one switch is all that stands between.  A radio that is enabled is EXT-05.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.radios import RadioState
from checks.finding import Finding
from checks.wired_only import is_wired_only

PRESENT = "the radio {device} ({radio}) is present but switched off"


@check(
    rule="EXT-14",
    on=RadioState,
    remedy="Have the module taken out or disabled in the firmware at the next maintenance.",
)
def radio_present(fact: RadioState, context: Context) -> Iterator[Finding]:
    if not is_wired_only(context):
        return
    for radio in fact.radios:
        if not radio.enabled:
            yield Finding(
                subject=radio.device,
                message=PRESENT,
                params={"device": radio.description or radio.device, "radio": radio.kind},
            )
