"""Asks the collector about media as they are plugged in, beside the loop.

Each medium has a thread while it is asked about.  What the collector cannot answer now is
asked again a few times; until then its last answer counts.
"""

import logging
import threading
from collections.abc import Callable

from agent.media.standings import SignedStanding, StandingRefused, Standings
from agent.transport import BatchRefused, Busy, Forked, NotBelieved, TransportDown
from checks.facts.media import Medium
from checks.facts.media_register import MediumStanding

PAUSES = (0.0, 2.0, 10.0, 60.0)
"""Seconds before each attempt."""
TOGETHER_MOST = 8

_log = logging.getLogger("wardwatch.media")


class Asking:
    """`ask` blocks for one answer; `on_answer` is told on the asking thread."""

    def __init__(
        self,
        ask: Callable[[Medium], SignedStanding],
        standings: Standings,
        *,
        on_answer: Callable[[MediumStanding], None],
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        self._ask = ask
        self._standings = standings
        self._on_answer = on_answer
        self._pauses = pauses
        self._lock = threading.Lock()
        self._asked: set[str] = set()
        self._stopping = threading.Event()

    def __call__(self, medium: Medium) -> None:
        """Returns at once.  More than a few at a time are left to their last answers."""
        with self._lock:
            if medium.key in self._asked or len(self._asked) >= TOGETHER_MOST:
                return
            self._asked.add(medium.key)
        thread = threading.Thread(target=self._run, args=(medium,), name="register", daemon=True)
        thread.start()

    def stop(self) -> None:
        """No further attempt; one that is under way ends by itself."""
        self._stopping.set()

    def _run(self, medium: Medium) -> None:
        try:
            for pause in self._pauses:
                if self._stopping.wait(pause) or self._is_settled(medium):
                    return
        finally:
            with self._lock:
                self._asked.discard(medium.key)

    def _is_settled(self, medium: Medium) -> bool:
        """Whether there is nothing more to ask: it was answered, or never will be."""
        try:
            self._standings.keep(self._ask(medium))
        except (TransportDown, Busy, NotBelieved, Forked) as down:
            _log.info("register not asked", extra={"reason": str(down)})
            return False
        except (BatchRefused, StandingRefused) as refused:
            _log.error("register's answer not taken", extra={"reason": str(refused)})
            return True
        except OSError as full:
            _log.warning("register's answer not kept", extra={"reason": str(full)})
        standing = self._standings.of(medium.key)
        if standing is not None:
            self._on_answer(standing)
        return True
