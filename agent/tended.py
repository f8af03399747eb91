"""A sensor under care: started, woken, healed; reported and retried when it fails."""

import logging
import selectors
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from agent.records import Moment, speakable, spoken
from agent.sensors.base import Sensor, SensorUnavailable
from checks.facts import Fact
from checks.facts.health import SensorGap, SensorHealth
from checks.policy import PolicyDocument

FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0
OFF_RETRY = 600.0
"""Seconds; a sensor that may not look is asked again now and then, because a missing
kernel module or service may have come meanwhile."""

State = Literal["ok", "failed", "off"]

_log = logging.getLogger("wardwatch.sensors")


class TendedSensor:
    """Runs one sensor on the loop's selector.  Nothing that it raises ends the loop:
    whatever it is makes the sensor *failed*, with the reason, until a retry succeeds.
    """

    def __init__(
        self,
        sensor: Sensor,
        *,
        selector: selectors.BaseSelector,
        now: Callable[[], Moment],
        monotonic: Callable[[], float],
    ) -> None:
        self.name = sensor.name
        self._sensor = sensor
        self._selector = selector
        self._now = now
        self._monotonic = monotonic
        self._descriptors: Sequence[int] = ()
        self._state: State = "off"
        self._reason = "not started"
        self._since_us = now().at_us
        self._failures = 0
        self._started_at = 0.0
        self._down_since_us = 0
        self._began_us = self._since_us
        self._watched_us = 0
        self._try_at = 0.0
        self._heal_at = 0.0

    def act(self, document: PolicyDocument, *, readable: bool) -> Iterable[Fact]:
        """What is due now: a start, a wake, a heal.  `readable`: the selector said so."""
        now = self._monotonic()
        if not self._watches():
            return self._start(document) if now >= self._try_at else ()
        facts: list[Fact] = []
        deadline = self._sensor.deadline()
        if readable or (deadline is not None and now >= deadline):
            facts += self._guarded(self._sensor.wake)
        if self._watches() and now >= self._heal_at:
            facts += self._healed()
        return facts

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        if not self._watches():
            return ()
        return self._guarded(lambda: self._sensor.policy_changed(document))

    def next_due(self) -> float:
        """time.monotonic() at which `act` is wanted at the latest."""
        if self._state != "ok":
            return self._try_at
        deadline = self._sensor.deadline()
        return self._heal_at if deadline is None else min(self._heal_at, deadline)

    def health(self) -> SensorHealth:
        degraded = self._sensor.degraded() if self._state == "ok" else ""
        return SensorHealth(
            name=self.name,
            state="degraded" if degraded else self._state,
            reason=spoken(degraded) or self._reason,
            since_us=self._since_us,
        )

    def coverage(self) -> float:
        """Share of the time since the agent started in which it watched, 0 to 1."""
        now_us = self._now().at_us
        watched = self._watched_us + (now_us - self._since_us if self._state == "ok" else 0)
        return max(0.0, min(1.0, watched / max(now_us - self._began_us, 1)))

    def stop(self) -> None:
        self._release()
        if self._state == "ok":
            self._enter("off", "the agent is stopping")

    def _watches(self) -> bool:
        return self._state == "ok"

    def _start(self, document: PolicyDocument) -> Iterable[Fact]:
        try:
            self._descriptors = tuple(self._sensor.start(document))
            for descriptor in self._descriptors:
                self._selector.register(descriptor, selectors.EVENT_READ, self)
        except SensorUnavailable as reason:
            self._release()
            self._try_at = self._monotonic() + OFF_RETRY
            self._enter("off", str(reason))
            return ()
        except Exception as fault:  # noqa: BLE001 - the verdict is "failed", whatever it was
            self._fail(fault)
            return ()
        gap = self._gap()
        self._started_at = self._monotonic()
        self._enter("ok", "")
        return (*gap, *self._healed())

    def _healed(self) -> Sequence[Fact]:
        self._heal_at = self._monotonic() + self._sensor.heals_every.total_seconds()
        return self._guarded(self._sensor.heal)

    def _guarded(self, look: Callable[[], Iterable[Fact]]) -> Sequence[Fact]:
        """What the sensor saw, up to where it failed."""
        seen: list[Fact] = []
        try:
            for fact in look():
                seen.append(speakable(fact))  # noqa: PERF401 - what came before a fault is kept
        except SensorUnavailable as reason:
            self._release()
            self._try_at = self._monotonic() + OFF_RETRY
            self._enter("off", str(reason))
        except Exception as fault:  # noqa: BLE001 - the verdict is "failed", whatever it was
            self._fail(fault)
        return seen

    def _fail(self, fault: Exception) -> None:
        self._release()
        if self._watches() and self._monotonic() - self._started_at > LONGEST_RETRY:
            self._failures = 0  # it worked for long: a fresh trouble, not the old one
        delay = min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(self._failures, 20))
        self._failures += 1
        self._try_at = self._monotonic() + delay
        self._down_since_us = self._down_since_us or self._now().at_us
        self._enter("failed", f"{type(fault).__name__}: {fault}")

    def _gap(self) -> Sequence[SensorGap]:
        """The span in which the sensor was failed, told once it is back."""
        since_us, self._down_since_us = self._down_since_us, 0
        if not since_us:
            return ()
        reason = self._reason
        to_us = self._now().at_us
        return (
            SensorGap(
                sensor=self.name, cause="failed", from_us=since_us, to_us=to_us, detail=reason
            ),
        )

    def _enter(self, state: State, reason: str) -> None:
        reason = spoken(reason)
        if (state, reason) == (self._state, self._reason):
            return
        now_us = self._now().at_us
        if self._state == "ok":
            self._watched_us += now_us - self._since_us
        if state != self._state:
            self._since_us = now_us
        self._state, self._reason = state, reason
        level = logging.INFO if state == "ok" else logging.WARNING
        _log.log(level, "sensor %s", state, extra={"sensor": self.name, "reason": reason})

    def _release(self) -> None:
        """Takes it off the selector first: a closed descriptor cannot be unregistered."""
        for descriptor in self._descriptors:
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        self._descriptors = ()
        try:
            self._sensor.stop()
        except Exception as fault:  # noqa: BLE001 - it is being given up already; the next start tells
            _log.warning("sensor did not stop cleanly", extra={"reason": str(fault)})
