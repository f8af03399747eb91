"""Import stations: where media from outside are scanned, and may therefore be put in."""

from checks.check import Context
from checks.facts.media import MediumKind
from checks.policy import Endpoint

FOR_STATIONS: tuple[MediumKind, ...] = ("optical", "floppy", "card")
"""Kinds of media that belong there unless they are registered: MED-10 speaks of them."""


def is_station(context: Context) -> bool:
    """Whether the policy's `scanning.stations` has this endpoint."""
    return is_listed(context.endpoint, context.policy.scanning.stations)


def is_listed(endpoint: Endpoint, listed: tuple[str, ...]) -> bool:
    """By its id, its name or one of its groups; an empty name is nobody's."""
    names = (endpoint.id, endpoint.name, *endpoint.groups)
    return any(name and name in listed for name in names)
