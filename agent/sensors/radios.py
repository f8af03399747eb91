"""Radios of this machine, also those that are switched off."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from agent.system.radios import RadioWatch, present_radios
from checks.facts import Fact
from checks.facts.radios import RadioState
from checks.policy import PolicyDocument


class RadioSensor:
    """The state at once when it differs, and again at the slow beat."""

    name = "radios"

    def __init__(self, sysfs: Path = Path("/sys")) -> None:
        self.heals_every = timedelta(minutes=5)
        self._sysfs = sysfs
        self._closing = ExitStack()
        self._told = RadioState(radios=())

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self.heals_every = document.policy.duration("state_beat")
        self._watch = self._closing.enter_context(closing(RadioWatch()))
        return (self._watch.fileno(),)

    def wake(self) -> Iterable[Fact]:
        self._watch.drain()
        if self._look() != self._told:
            yield from self.heal()

    def heal(self) -> Iterable[Fact]:
        self._told = self._look()
        yield self._told

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self.heals_every = document.policy.duration("state_beat")
        return ()

    def stop(self) -> None:
        self._closing.close()

    def _look(self) -> RadioState:
        return RadioState(radios=present_radios(self._sysfs))
