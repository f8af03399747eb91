"""Media as the judge knows them: lines of the register, bodies that were seen, where.  Pure."""

from datetime import date
from typing import Protocol

import msgspec

from checks.facts.copying import MediumWritten
from checks.facts.media import (
    Medium,
    MediumAccessed,
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumScanned,
    MediumUnmounted,
)
from checks.facts.media_register import RegisteredMedium

MediumFact = (
    MediumAttached
    | MediumDetached
    | MediumMounted
    | MediumUnmounted
    | MediumAccessed
    | MediumScanned
    | MediumWritten
)
KEY_LIMIT = 64
"""Characters; a longer one is no key that an agent makes."""
PLACES_KNOWN = 16
TWINS_KNOWN = 8
"""So many of a medium's places and twins are told, the newest."""
_COMPARED = ("kind", "key", "serial", "vendor_id", "product_id", "capacity", "owner", "department")
_SCOPE = ("endpoints", "departments", "zones", "access", "hours", "uses", "lost")
_CHANGING = (*_COMPARED, *_SCOPE, "expires", "inventory", "note")


class SeenMedium(msgspec.Struct, frozen=True, kw_only=True):
    """A body: `agent` is where it was last; `scan` how its last scan ended, empty without."""

    medium: Medium
    first_us: int
    last_us: int
    agent: str
    scan: str = ""
    scanned_us: int = 0

    @property
    def key(self) -> str:
        return self.medium.key


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A body at an endpoint.  `since_us` is when its present stay began, 0 when it is gone,
    and `received_us` when that was heard of; `before_us` when it was last there before;
    `used` whether this stay was counted as a use; `told_us` when it was said to be at two
    endpoints at once.
    """

    key: str
    agent: str
    zone: str = ""
    first_us: int = 0
    last_us: int = 0
    before_us: int = 0
    since_us: int = 0
    received_us: int = 0
    used: bool = False
    told_us: int = 0


class MediaSource(Protocol):
    """What is committed of the register and of the media that were seen."""

    def line_for(self, medium: Medium) -> RegisteredMedium | None: ...

    def lines(self, numbers: tuple[str, ...]) -> dict[str, RegisteredMedium]: ...

    def uses(self, number: str) -> int: ...

    def seen(self, key: str) -> SeenMedium | None: ...

    def of_serial(self, serial: str) -> list[SeenMedium]: ...

    def places(self, key: str) -> list[Place]: ...

    def plugged_in(self, agent: str) -> list[Place]: ...


def seen_now(before: SeenMedium | None, fact: MediumFact, agent: str, at_us: int) -> SeenMedium:
    """The body after this fact."""
    scan, scanned_us = (before.scan, before.scanned_us) if before else ("", 0)
    if isinstance(fact, MediumScanned):
        scan, scanned_us = fact.verdict, at_us
    return SeenMedium(
        medium=fact.medium,
        first_us=min(before.first_us, at_us) if before else at_us,
        last_us=max(before.last_us, at_us) if before else at_us,
        agent=agent if before is None or at_us >= before.last_us else before.agent,
        scan=scan,
        scanned_us=scanned_us,
    )


def placed(before: Place, fact: MediumFact, *, at_us: int, received_us: int) -> Place:
    """The place after this fact: gone, come, or still there."""
    replace = msgspec.structs.replace
    first_us, last_us = before.first_us or at_us, max(before.last_us, at_us)
    if isinstance(fact, MediumDetached):
        return replace(before, first_us=first_us, last_us=last_us, since_us=0, used=False)
    if before.since_us:
        return replace(before, last_us=last_us)
    return replace(
        before,
        first_us=first_us,
        last_us=last_us,
        before_us=before.last_us,
        since_us=at_us,
        received_us=received_us,
        used=False,
        told_us=0,
    )


def changed_fields(before: RegisteredMedium | None, after: RegisteredMedium) -> dict[str, str]:
    """What a line's fields said before, of those that changed; empty for a new line."""
    if before is None:
        return {}
    return {
        name: as_text(getattr(before, name))
        for name in _CHANGING
        if getattr(before, name) != getattr(after, name)
    }


def as_text(value: object) -> str:
    """A field of a line for people: lists by comma, nothing as empty."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, date):
        return value.isoformat()
    return "" if value in (None, 0) else str(value)
