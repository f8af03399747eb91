"""Coverage as a band: where it was watched, and why not where it was not."""

from collections.abc import Iterable, Sequence

import msgspec

from collector.judging.records import WHOLE_ENDPOINT, Hole

WIDTH = 1000
"""The band's length in its own units."""
NARROWEST = 2
"""A hole of a second in a day must still be seen."""
NOT_ENROLLED = "not_enrolled"
"""The cause of what lies before the endpoint was known at all."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A hole on a band; `more` of the same cause are so near that they lie under the same mark,
    and `until_us` is the end of the last of them, 0 while it lasts.
    """

    x: int
    width: int
    hole: Hole
    more: int = 0
    until_us: int = 0

    @property
    def percent(self) -> tuple[str, str]:
        """Beginning and length as SVG wants them."""
        return f"{self.x * 100 / WIDTH:g}%", f"{self.width * 100 / WIDTH:g}%"


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """`sensor` is `*` for the whole endpoint."""

    sensor: str
    marks: tuple[Mark, ...]


def ribbon(holes: Iterable[Hole], from_us: int, to_us: int) -> Sequence[Band]:
    """A band for the whole endpoint, and one for each sensor that has holes of its own; `holes`
    oldest first.
    """
    by_sensor: dict[str, list[Mark]] = {WHOLE_ENDPOINT: []}
    for hole in holes:
        marks = by_sensor.setdefault(hole.sensor, [])
        _put(marks, _mark(hole, from_us, to_us))
    return [Band(sensor=sensor, marks=tuple(marks)) for sensor, marks in by_sensor.items()]


def before_enrolment(agent: str, enrolled_us: int, from_us: int) -> tuple[Hole, ...]:
    """What of the span lies before the endpoint was enrolled."""
    if enrolled_us <= from_us:
        return ()
    return (
        Hole(
            agent=agent,
            sensor=WHOLE_ENDPOINT,
            from_us=from_us,
            to_us=enrolled_us,
            cause=NOT_ENROLLED,
        ),
    )


def _put(marks: list[Mark], new: Mark) -> None:
    """Beside the others, or into the last of them when one could not tell the two apart."""
    last = marks[-1] if marks else None
    if last is None or last.hole.cause != new.hole.cause or new.x > last.x + last.width:
        marks.append(new)
        return
    end = max(last.x + last.width, new.x + new.width)
    marks[-1] = msgspec.structs.replace(
        last, width=end - last.x, more=last.more + 1, until_us=new.until_us
    )


def _mark(hole: Hole, from_us: int, to_us: int) -> Mark:
    length = max(1, to_us - from_us)
    start = max(hole.from_us, from_us) - from_us
    end = min(hole.to_us or to_us, to_us) - from_us
    x = min(WIDTH - NARROWEST, start * WIDTH // length)
    width = max(NARROWEST, (end - start) * WIDTH // length)
    return Mark(x=x, width=width, hole=hole, until_us=hole.to_us)
