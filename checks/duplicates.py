"""Media that cannot be one: the same serial number in another body, or at two places at once."""

from collections.abc import Iterator

from checks.check import Context
from checks.facts.media import MediumAttached
from checks.facts.media_register import MediumTwice, Twin, Whereabouts
from checks.finding import Finding
from checks.register import came_from, entry_of, standing_of
from checks.wording import medium_params

CLONED = "{medium} has the serial number of another medium, {twin} ({capacity} bytes)"
TWICE = "{medium} is plugged in while it still is at {other}"
TOO_FAST = "{medium} was at {other} {seconds} s before, in another place"
BY_SERIAL = "default: a serial number has one body"
_SECOND_US = 1_000_000


def duplicates(seen: MediumAttached | MediumTwice, context: Context) -> Iterator[Finding]:
    """Findings for MED-12; the check must have `uses=(MediumStanding,)`."""
    medium = seen.medium
    told = dict(medium_params(medium))
    if isinstance(seen, MediumTwice):
        told["other"] = seen.other_name or seen.other
        yield Finding(subject=medium.key, message=TWICE, params=told, decided_by=BY_SERIAL)
        return
    twin = _unknown_twin(seen, context)
    if twin is not None:
        told |= {"twin": twin.name or twin.key, "capacity": str(twin.capacity)}
        yield Finding(subject=medium.key, message=CLONED, params=told, decided_by=BY_SERIAL)
    before = _too_recent(seen, context)
    if before is not None:
        told["other"] = before.name or before.endpoint
        told["seconds"] = str((context.at_us - before.last_us) // _SECOND_US)
        yield Finding(
            subject=medium.key,
            message=TOO_FAST,
            params=told,
            decided_by=f"thresholds.medium_travel {context.policy.thresholds.medium_travel}",
        )


def _unknown_twin(attached: MediumAttached, context: Context) -> Twin | None:
    """Another body of its serial number; both are known where the register has a line for
    each by its key (a stick whose locked and open parts say different sizes).
    """
    standing = standing_of(attached.medium, context)
    if standing is None or not attached.medium.serial:
        return None
    entry = entry_of(attached.medium, context)
    by_key = entry is not None and entry.key == attached.medium.key
    strangers = (twin for twin in standing.twins if not (by_key and twin.number))
    return next(strangers, None)


def _too_recent(attached: MediumAttached, context: Context) -> Whereabouts | None:
    """Where it was moments ago, in a place from which nobody carries it here so fast.  What
    has no serial number may be another one of its make.
    """
    before = came_from(attached.medium, context)
    if before is None or before.here or not attached.medium.serial:
        return None
    here = context.endpoint
    apart = bool(before.place and here.place) and before.place != here.place
    on_the_way_us = context.at_us - before.last_us
    limit_us = context.policy.duration("medium_travel").total_seconds() * _SECOND_US
    return before if apart and 0 <= on_the_way_us < limit_us else None
