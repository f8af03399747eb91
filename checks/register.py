"""What the media register says of a medium, wherever it is judged.

The collector keeps the register; both it and the agents judge by its answer about one medium
(`MediumStanding`).  Where there is none yet, what stands in the policy itself counts.
"""

from checks.check import Context
from checks.facts.media import Medium
from checks.facts.media_register import MediumStanding, RegisteredMedium, Whereabouts


def standing_of(medium: Medium, context: Context) -> MediumStanding | None:
    """The collector's answer about this medium, None without one.  The check must have
    `uses=(MediumStanding,)`.
    """
    standing = context.latest_if_known(MediumStanding)
    return standing if standing is not None and standing.key == medium.key else None


def entry_of(medium: Medium, context: Context) -> RegisteredMedium | None:
    """Its line in the register, None when it has none."""
    standing = standing_of(medium, context)
    own = standing.entry if standing else None
    return own or context.policy.medium(medium)


def names_somebody(text: str) -> bool:
    """Whether a field for who answers for a medium says anybody; a dash is nobody."""
    return any(letter.isalnum() for letter in text)


def came_from(medium: Medium, context: Context) -> Whereabouts | None:
    """The other endpoint where it was last, None when it was here since, or nowhere else."""
    standing = standing_of(medium, context)
    if standing is None:
        return None
    here = context.endpoint.id
    own = next((place for place in standing.seen if place.endpoint == here), None)
    others = [place for place in standing.seen if place.endpoint != here]
    newest = max(others, key=lambda place: place.last_us, default=None)
    if newest is None or own is None:
        return newest
    own_us = own.before_us if own.here else own.last_us
    return newest if newest.last_us > own_us else None


def visited_since_clean(medium: Medium, context: Context) -> tuple[Whereabouts, ...]:
    """The other endpoints where it was since a full scan last found it clean, or ever; the
    newest in front.
    """
    standing = standing_of(medium, context)
    if standing is None:
        return ()
    return tuple(
        place
        for place in standing.seen
        if place.endpoint != context.endpoint.id and place.last_us >= standing.clean_us
    )
