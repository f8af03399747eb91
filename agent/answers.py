"""Where the collector's answers came along, handed from the uplink's thread to the loop."""

from collections.abc import Callable

from agent.system.doorbell import Doorbell
from agent.transport import Path

AGAIN_AFTER = 60.0
"""Seconds until an answer along the same path is worth another look at its gateway."""


class Answers:
    """One mailbox: the newest path.  It rings for a new path at once, for the same one
    now and then: the router behind it may be another one by then.
    """

    def __init__(self, *, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._bell = Doorbell()
        self._newest: Path | None = None
        self._rang_for: tuple[Path, float] | None = None
        self._last: Path | None = None

    def fileno(self) -> int:
        return self._bell.fileno()

    def came_along(self, path: Path) -> None:
        """Called on the uplink's thread, after each proved answer."""
        self._last = path
        now = self._monotonic()
        rang = self._rang_for
        if rang is not None and rang[0] == path and now - rang[1] < AGAIN_AFTER:
            return
        self._rang_for = (path, now)
        self._newest = path
        self._bell.ring()

    def own_address(self) -> str:
        """The local end of the last answer, empty before the first."""
        last = self._last
        return last.local if last else ""

    def take(self) -> Path | None:
        """The path of an answer of this moment, once."""
        self._bell.answer()
        newest, self._newest = self._newest, None
        return newest
