"""A day of coverage as a band: where it was watched, and why not where it was not."""

from collections.abc import Iterable, Sequence

import msgspec

from collector.judging.records import WHOLE_ENDPOINT, Hole

WIDTH = 1000
"""The band's length in its own units."""
NARROWEST = 2
"""A hole of a second in a day must still be seen."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One hole on a band."""

    x: int
    width: int
    hole: Hole


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """`sensor` is `*` for the whole endpoint."""

    sensor: str
    marks: tuple[Mark, ...]


def ribbon(holes: Iterable[Hole], from_us: int, to_us: int) -> Sequence[Band]:
    """A band for the whole endpoint, and one for each sensor that has holes of its own."""
    by_sensor: dict[str, list[Mark]] = {WHOLE_ENDPOINT: []}
    for hole in holes:
        by_sensor.setdefault(hole.sensor, []).append(_mark(hole, from_us, to_us))
    return [Band(sensor=sensor, marks=tuple(marks)) for sensor, marks in by_sensor.items()]


def _mark(hole: Hole, from_us: int, to_us: int) -> Mark:
    length = max(1, to_us - from_us)
    start = max(hole.from_us, from_us) - from_us
    end = min(hole.to_us or to_us, to_us) - from_us
    x = min(WIDTH - NARROWEST, start * WIDTH // length)
    return Mark(x=x, width=max(NARROWEST, (end - start) * WIDTH // length), hole=hole)
