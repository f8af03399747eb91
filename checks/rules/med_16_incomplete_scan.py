"""A scan did not see everything on the medium.

What was not read is not clean: the scan broke off, files could not be opened or are locked by a
password, an archive goes beyond what the engine unpacks.  Such a medium counts as unscanned.
Where malware was found as well, that alone is told (MED-05); where no engine could be used at
all, MED-06 is.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from checks.check import Context, check
from checks.facts.media import MediumScanned
from checks.finding import Finding
from checks.wording import medium_params

BROKEN_OFF: Mapping[str, str] = MappingProxyType(
    {
        "gone": "{medium} was taken out or unmounted before its scan had ended",
        "engine_lost": "the engine ended while it scanned {medium}",
        "kept_changing": "what lies on {medium} kept changing while it was scanned",
        "engine_changed": "the engine's signatures were exchanged while it scanned {medium}",
    }
)
LEFT_OUT = "{number} entries of {medium} were not scanned: {left_out}"
UNREADABLE = "{medium} could not be scanned: {reason}"


@check(
    rule="MED-16",
    on=MediumScanned,
    remedy=(
        "Have the medium scanned again until nothing is left out. Files that are locked are "
        "opened by their owner and scanned before they are used; what is broken is not used."
    ),
)
def incomplete_scan(scanned: MediumScanned, context: Context) -> Iterator[Finding]:
    del context  # what was not seen is not clean, whatever the policy says
    if scanned.verdict != "incomplete":
        return
    params = medium_params(scanned.medium)
    broken_off = BROKEN_OFF.get(scanned.reason)
    if broken_off is not None:
        yield Finding(subject=scanned.medium.key, message=broken_off, params=params)
        return
    for reason, number in sorted(scanned.skipped.items()):
        yield Finding(
            subject=scanned.medium.key,
            message=LEFT_OUT,
            params={**params, "number": str(number), "left_out": reason},
        )
    if not scanned.skipped:
        yield Finding(
            subject=scanned.medium.key,
            message=UNREADABLE,
            params={**params, "reason": scanned.reason},
        )
