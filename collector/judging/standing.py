"""What the collector answers about a medium, from what it knows.  Pure."""

from collections.abc import Callable, Iterable

from checks.facts.media import Medium
from checks.facts.media_register import MediumStanding, RegisteredMedium, Twin, Whereabouts
from checks.facts.receipts import SignedReceipt
from checks.policy import Endpoint, Policy
from checks.stations import is_listed
from collector.judging.media import TWINS_KNOWN, MediaSource, Place, SeenMedium

EndpointOf = Callable[[str], Endpoint]
"""The register's line of an endpoint, an empty one for a stranger."""
Counts = Callable[[str], bool]
"""Whether receipts of this station count."""
ReceiptOf = Callable[[str, Counts], SignedReceipt | None]
"""The newest receipt in force of a medium, by its key, among those that count."""
CleanOf = Callable[[str], int]
"""When the newest full scan of a medium that found it clean began, 0 for never."""


def standing_of(  # noqa: PLR0913 - where each part of the answer comes from
    medium: Medium,
    known: MediaSource,
    *,
    policy: Policy,
    endpoint_of: EndpointOf,
    receipt_of: ReceiptOf,
    clean_us_of: CleanOf,
    asked_by: str,
    at_us: int,
) -> MediumStanding:
    """The answer for the endpoint `asked_by`: a use that its present stay was counted as is
    left out of `uses`.
    """
    listed = policy.scanning.receipts_of
    entry = known.line_for(medium) or policy.medium(medium)
    places = known.places(medium.key)
    counted = any(place.agent == asked_by and place.used for place in places)
    uses = known.uses(entry.number) if entry else 0
    return MediumStanding(
        key=medium.key,
        entry=entry,
        uses=max(0, uses - counted),
        receipt=receipt_of(
            medium.key, lambda station: not listed or is_listed(endpoint_of(station), listed)
        ),
        clean_us=clean_us_of(medium.key),
        seen=tuple(_whereabouts(place, endpoint_of(place.agent)) for place in places),
        twins=tuple(_twins(medium, known)),
        answered_us=at_us,
    )


def _whereabouts(place: Place, endpoint: Endpoint) -> Whereabouts:
    return Whereabouts(
        endpoint=place.agent,
        name=endpoint.name,
        zone=place.zone,
        department=endpoint.department,
        place=endpoint.place,
        first_us=place.first_us,
        last_us=place.last_us,
        before_us=place.before_us,
        here=place.since_us > 0,
    )


def _twins(medium: Medium, known: MediaSource) -> Iterable[Twin]:
    if not medium.serial:
        return
    others = [seen for seen in known.of_serial(medium.serial) if seen.key != medium.key]
    for other in others[:TWINS_KNOWN]:
        yield _twin(other, known.line_for(other.medium))


def _twin(other: SeenMedium, line: RegisteredMedium | None) -> Twin:
    by_key = line is not None and line.key == other.key
    return Twin(
        key=other.key,
        name=other.medium.describe(),
        capacity=other.medium.capacity,
        number=line.number if line is not None and by_key else "",
        endpoint=other.agent,
        last_us=other.last_us,
    )
