"""No valid engine: a medium arrived and there was nothing to scan it with.

The anti-virus engine was absent or stopped when the medium was mounted, or its signatures
were older than the policy allows, or of unknown age.  A scan by such an engine does not count:
the medium is unscanned, whatever the engine said.

How old the signatures of an endpoint's own anti-virus are, medium or not, is AV-02.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from checks.check import Context, check
from checks.facts.media import MediumScanned
from checks.finding import Finding
from checks.wording import medium_params

DAY_US = 24 * 3600 * 1_000_000
WITHOUT: Mapping[str, str] = MappingProxyType(
    {
        "engine_absent": "{medium} could not be scanned: no engine answers on this machine",
        "engine_lost": "{medium} could not be scanned: the engine ended before the first file",
    }
)
UNSCANNED = "{medium} could not be scanned: {reason}"
STALE = "{medium} was scanned with signatures {days} days old"
AGELESS = "{medium} was scanned with signatures of unknown age"


@check(
    rule="MED-06",
    on=MediumScanned,
    remedy=(
        "Start or install the engine and update its signatures, then put the medium in again. "
        "Until then nothing on it counts as scanned."
    ),
)
def engine_invalid(scanned: MediumScanned, context: Context) -> Iterator[Finding]:
    params = dict(medium_params(scanned.medium))
    if scanned.verdict == "not_scanned":
        message = WITHOUT.get(scanned.reason, UNSCANNED)
        if message is UNSCANNED:
            params["reason"] = scanned.reason
        yield Finding(subject=scanned.medium.key, message=message, params=params)
        return
    if scanned.verdict == "incomplete" and not scanned.engine:
        return  # it broke off before the engine was asked (MED-16)
    if not scanned.signatures_at_us:
        yield Finding(subject=scanned.medium.key, message=AGELESS, params=params)
        return
    age_us = context.at_us - scanned.signatures_at_us
    limit = context.policy.duration("signatures_max_age")
    if age_us > limit.total_seconds() * 1_000_000:
        params["days"] = str(age_us // DAY_US)
        yield Finding(
            subject=scanned.medium.key,
            message=STALE,
            params=params,
            decided_by=f"thresholds.signatures_max_age {context.policy.thresholds.signatures_max_age}",
        )
