"""When a medium is announced: at once, and again when more of it became known."""

from collections.abc import Iterator, Mapping

from checks.facts import Fact
from checks.facts.media import Medium, MediumAttached, MediumDetached

SETTLES_AFTER = 0.25
"""Seconds without a change after which the partitions count as known."""
DISC_SETTLES_AFTER = 4.0
"""The same for a disc of which no file system is known: a drive is there before it has read what
lies in it, which takes it some seconds, and the disc's key depends on that.
"""


class Announcements:
    """Turns the media of now into attach and detach facts.

    A medium with a serial number is told at once; without one its key depends on its
    file systems, so it waits until it settled (or is mounted).  Times are of one
    monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        self._told: dict[str, Medium] = {}
        self._settling: dict[str, tuple[Medium, float]] = {}

    def update(self, media: Mapping[str, Medium], now: float) -> Iterator[Fact]:
        for path in [path for path in self._settling if path not in media]:
            settling, _ = self._settling.pop(path)
            if path not in self._told:
                yield MediumAttached(medium=settling)
                yield MediumDetached(medium=settling)
        for path in [path for path in self._told if path not in media]:
            yield MediumDetached(medium=self._told.pop(path))
        for path, medium in media.items():
            yield from self._seen(path, medium, now)

    def at_once(self, path: str) -> Iterator[Fact]:
        """What is still waiting about this medium: something else is about to be told."""
        if path in self._settling:
            yield self._tell(path, self._settling[path][0])

    def deadline(self) -> float | None:
        return min((ready for _, ready in self._settling.values()), default=None)

    def _seen(self, path: str, medium: Medium, now: float) -> Iterator[Fact]:
        told = self._told.get(path)
        if told == medium:
            self._settling.pop(path, None)
            return
        if told is not None and _is_another(told, medium):
            yield MediumDetached(medium=self._told.pop(path))
            told = None
        if told is None and (medium.serial or medium.kind in ("phone", "camera")):
            yield self._tell(path, medium)
            return
        waiting, ready = self._settling.get(path, (None, 0.0))
        if waiting != medium:
            self._settling[path] = (medium, now + _settles_after(medium))
        elif ready <= now:
            yield self._tell(path, medium)

    def _tell(self, path: str, medium: Medium) -> Fact:
        self._settling.pop(path, None)
        self._told[path] = medium
        return MediumAttached(medium=medium)


def _is_another(told: Medium, seen: Medium) -> bool:
    """Another disc or card in the same drive, without an empty drive in between."""
    return told.capacity != seen.capacity or told.serial != seen.serial


def _settles_after(medium: Medium) -> float:
    unread = medium.kind == "optical" and not any(part.filesystem for part in medium.partitions)
    return DISC_SETTLES_AFTER if unread else SETTLES_AFTER
