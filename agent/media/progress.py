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
    how many more it may take, None while nobody can tell.
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


def progress_of(scans: Sequence[UnderWay], now: float) -> Progress:
    """Of the scans of one medium, of which there must be one."""
    began = [scan.began for scan in scans if scan.began is not None]
    through = sum(scan.bytes for scan in scans)
    used = sum(scan.used for scan in scans)
    seconds = now - min(began) if began else 0.0
    return Progress(
        waiting=not began,
        files=sum(scan.files for scan in scans),
        bytes=through,
        used=used,
        seconds=round(seconds),
        rest=_rest(through, used, seconds) if len(began) == len(scans) else None,
    )


def _rest(through: int, used: int, seconds: float) -> int | None:
    """By the pace so far.  Sparse files hold more octets than are in use: then nobody knows."""
    if seconds < _TELLING or through < used * _SHARE or not 0 < through <= used:
        return None
    return round(seconds * (used - through) / through)
