"""Whether this machine passes packets on between its links."""

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from agent.system.forwarding import ForwardingWatch
from checks.facts import Fact
from checks.facts.forwarding import ForwardingState
from checks.facts.health import SensorGap
from checks.policy import PolicyDocument


class ForwardingSensor:
    """The state at once when it differs, and again at the slow beat."""

    name = "forwarding"

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self.heals_every = timedelta(minutes=5)
        self._proc = proc
        self._watch: ForwardingWatch | None = None
        self._told = ForwardingState()
        self._last_clean_us = 0

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self.heals_every = document.policy.duration("state_beat")
        self._watch = ForwardingWatch(self._proc)
        self._last_clean_us = _wall_us()
        return self._watch.filenos()

    def wake(self) -> Iterable[Fact]:
        assert self._watch is not None
        if self._watch.refresh():
            yield self._gap()
        state = self._watch.state()
        if state != self._told:
            self._told = state
            yield state
        self._last_clean_us = _wall_us()

    def heal(self) -> Iterable[Fact]:
        assert self._watch is not None
        if self._watch.refresh():
            yield self._gap()
        self._told = self._watch.state()
        yield self._told
        self._last_clean_us = _wall_us()

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return self._watch.unheard if self._watch else ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self.heals_every = document.policy.duration("state_beat")
        return ()

    def stop(self) -> None:
        if self._watch:
            self._watch.close()
            self._watch = None

    def _gap(self) -> SensorGap:
        return SensorGap(
            sensor=self.name,
            cause="overrun",
            from_us=self._last_clean_us,
            to_us=_wall_us(),
            detail="announcements lost; settings read again",
        )


def _wall_us() -> int:
    return time.time_ns() // 1000
