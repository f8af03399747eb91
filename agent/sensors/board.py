"""Tells other programs of this machine how far the check of each medium is.

It watches nothing itself: it hears what the other sensors see, and asks the scans once a second
while one runs, and looks again when a medium has waited too long.  `status` and an import station read its file.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from agent.media.board import BOARD_FILE, Board, MediaNow, MediumNow, write_board
from agent.media.progress import ScansUnderWay
from checks.facts import Fact
from checks.facts.media import Medium, ScannerState
from checks.facts.media_register import MediumStanding, RegisteredMedium
from checks.finding import Verdict
from checks.policy import Policy, PolicyDocument

EVERY = 1.0
"""Seconds between two words about a scan that runs."""
_LONG = 30
"""Seconds after which whoever waits for a held medium is told how long it still takes."""


class BoardSensor:
    """Fits Sensor; no facts come of it."""

    name = "board"
    heals_every = timedelta(hours=1)

    def __init__(
        self,
        state: Path,
        under_way: ScansUnderWay,
        *,
        standing_of: Callable[[str], MediumStanding | None],
        on_long_hold: Callable[[str, int], None] = lambda _medium, _rest: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_long_hold` is told again and again of a held medium whose scan takes long: its name
        and the seconds that are left.
        """
        self._path = state / BOARD_FILE
        self._under_way = under_way
        self._standing_of = standing_of
        self._on_long_hold = on_long_hold
        self._monotonic = monotonic
        self._board = Board(self._entry_of)
        self._policy: Policy | None = None
        self._written: MediaNow | None = None
        self._due: float | None = None
        self._trouble = ""

    def hear(self, fact: Fact, failed: Iterable[Verdict], _at_us: int) -> None:
        """What is told to the collector of a medium, too."""
        if self._board.heard(fact, failed) or isinstance(fact, ScannerState):
            self._due = self._monotonic()

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._policy = document.policy
        self._due = self._monotonic()
        return ()

    def wake(self) -> Iterable[Fact]:
        now = self._monotonic()
        scans = self._under_way.now()
        policy = self._policy
        board = MediaNow(
            pid=os.getpid(),
            media=self._board.media(scans, now),
            phone=policy.hospital.phone if policy else "",
            language=policy.hospital.language if policy else "zh_CN",
        )
        if board != self._written:
            self._write(board)
        for name, rest in long_holds(board.media):
            self._on_long_hold(name, rest)
        self._due = now + EVERY if scans else self._board.deadline(now)
        return ()

    def heal(self) -> Iterable[Fact]:
        return self.wake()

    def deadline(self) -> float | None:
        return self._due

    def degraded(self) -> str:
        return self._trouble

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._policy = document.policy
        self._due = self._monotonic()
        return ()

    def stop(self) -> None:
        self._written = None

    def _write(self, board: MediaNow) -> None:
        try:
            write_board(self._path, board)
        except OSError as unable:
            self._trouble = f"how far scans are is not shown: {unable.strerror}"
        else:
            self._written, self._trouble = board, ""

    def _entry_of(self, medium: Medium) -> RegisteredMedium | None:
        standing = self._standing_of(medium.key)
        own = standing.entry if standing is not None else None
        if own is not None or self._policy is None:
            return own
        return self._policy.medium(medium)


def long_holds(media: Iterable[MediumNow]) -> Iterator[tuple[str, int]]:
    """Names of held media whose scan goes on since long, with the seconds that are left."""
    for medium in media:
        progress = medium.progress
        if medium.held and progress is not None and progress.rest and progress.seconds >= _LONG:
            yield medium.name, progress.rest
