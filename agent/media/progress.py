"""How far the scans are that run just now.  Pure."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

_TELLING = 2.0
"""Seconds after which the pace of a scan says something about its rest."""
_SHARE = 0.01
"""Share of the octets in use that must be through by then."""


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """One file system's scan.  `medium` is the key; `began` seconds of the monotonic clock, None
    while it waits for its turn; `files` of `bytes` in all went through the engine or were left
    out by it, `used` bytes lie on the file system.
    """

    medium: str
    began: float | None
    files: int = 0
    bytes: int = 0
    used: int = 0


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Of a medium, all its file systems together.  `seconds` since the first began; `rest` is
    how many more it may take (once it has begun), None while nobody can tell.
    """

    waiting: bool
    files: int
    bytes: int
    used: int
    seconds: int
    rest: int | None


class ScansUnderWay:
    """The scans of all who scan.  What they give is asked from another thread than theirs."""

    def __init__(self) -> None:
        self._sources: dict[str, Callable[[], Iterable[UnderWay]]] = {}

    def follow(self, who: str, source: Callable[[], Iterable[UnderWay]]) -> None:
        """`source` takes the place of the one that `who` had before."""
        self._sources[who] = source

    def now(self) -> list[UnderWay]:
        return [one for source in self._sources.values() for one in source()]


def progress_of(scans: Sequence[UnderWay], now: float, estimate: int = 0) -> Progress:
    """Of the scans of one medium, of which there must be one.  `estimate` is how many seconds
    they were thought to take in all, 0 while unknown: that counts until their own pace does.
    """
    began = [scan.began for scan in scans if scan.began is not None]
    if not began:
        return Progress(waiting=True, files=0, bytes=0, used=0, seconds=0, rest=estimate or None)
    through = sum(scan.bytes for scan in scans)
    used = sum(scan.used for scan in scans)
    seconds = now - min(began)
    return Progress(
        waiting=False,
        files=sum(scan.files for scan in scans),
        bytes=through,
        used=used,
        seconds=round(seconds),
        rest=_by_pace(through, used, seconds, estimate) if len(began) == len(scans) else None,
    )


def _by_pace(through: int, used: int, seconds: float, estimate: int) -> int | None:
    rest = _rest(through, used, seconds)
    if rest is None and seconds < estimate:
        return round(estimate - seconds)
    return rest


def _rest(through: int, used: int, seconds: float) -> int | None:
    """By the pace so far.  Sparse files hold more octets than are in use: then nobody knows."""
    if seconds < _TELLING or through < used * _SHARE or not 0 < through <= used:
        return None
    return round(seconds * (used - through) / through)
