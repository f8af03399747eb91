"""When the engine is asked whether it answers, and what it said last; pure."""

from collections.abc import Callable, Iterator

from checks.facts.media import ScannerState

ASK_EVERY = 30.0
ASK_SOONEST = 1.0
"""Seconds between two questions to the engine: always, and the first after it failed."""


class EngineWatch:
    """`ask` takes the seconds that it may wait for an answer; `monotonic` gives seconds."""

    def __init__(self, ask: Callable[[float], None], monotonic: Callable[[], float]) -> None:
        self.state: ScannerState | None = None
        """What it said last, None before its first answer."""
        self._ask = ask
        self._monotonic = monotonic
        self._pause = ASK_SOONEST
        self._ask_at: float | None = None

    def deadline(self) -> float | None:
        return self._ask_at

    def ask(self, patience: float = 0.0) -> None:
        self._ask_at = self._monotonic() + ASK_EVERY
        self._ask(patience)

    def ask_if_due(self) -> None:
        if self._ask_at is not None and self._ask_at <= self._monotonic():
            self.ask()

    def answered(self, state: ScannerState) -> Iterator[ScannerState]:
        """The state, where it is another than before."""
        if state != self.state:
            self.state = state
            yield state

    def failed(self) -> None:
        """It is wanted and does not answer: it is asked again soon, and each time later."""
        self._ask_at = self._monotonic() + self._pause
        self._pause = min(2 * self._pause, ASK_EVERY)

    def recovered(self) -> None:
        """It answers, and nobody waits for it any more."""
        self._pause = ASK_SOONEST
