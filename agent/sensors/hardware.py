"""Board, chassis, memory and fixed disks: what is there, and what is another than before.

Looked at after the start and at the slow beat: none of it changes while the machine runs, but
for a disk in a bay that the firmware does not call one.  What is another must still be so at a
second look, because disks of a slow controller come late.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path

from agent.hardware_memory import Unremembered, compared, completed, load, remembered, save
from agent.system.hardware import Hardware, running_disks
from checks.facts import Fact
from checks.facts.hardware import HardwareState
from checks.facts.health import SensorGap
from checks.policy import PolicyDocument

MEMORY = "hardware.json"
SECOND_LOOK_S = 30.0
_KEEP_S = 1.0
"""Seconds after which what was told is certain to be on its way, and is remembered."""


class HardwareSensor:
    """Fits Sensor.  Without a state folder it is always the first start, and leaves no trace."""

    name = "hardware"

    def __init__(
        self,
        state: Path | None,
        *,
        hardware: Hardware | None = None,
        system_disks: Callable[[], AbstractSet[int]] = running_disks,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.heals_every = timedelta(minutes=5)
        self._path = state / MEMORY if state else None
        self._hardware = hardware or Hardware()
        self._system_disks = system_disks
        self._monotonic = monotonic
        self._look_at: float | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._adopt(document)
        self._fault = ""
        try:
            self._known = load(self._path) if self._path else None
        except Unremembered as broken:
            self._fault, self._known = str(broken), None
        self._kept = self._known
        self._look_at = None
        return ()

    def wake(self) -> Iterable[Fact]:
        self._keep()
        if self._look_at is None or self._monotonic() < self._look_at:
            return
        self._look_at = None
        yield from self._changed(self._look())

    def heal(self) -> Iterable[Fact]:
        if self._fault:
            yield self._begun_anew()
        self._keep()
        state = self._look()
        yield state
        if self._known is None:
            self._known = state
            self._keep()
        elif self._compared(state) is not None and self._look_at is None:
            self._look_at = self._monotonic() + SECOND_LOOK_S
        else:
            self._known = completed(self._known, state)

    def deadline(self) -> float | None:
        return self._look_at

    def degraded(self) -> str:
        return self._hardware.may_not_see

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self._adopt(document)
        return ()

    def stop(self) -> None:
        self._look_at = None

    def _adopt(self, document: PolicyDocument) -> None:
        self.heals_every = document.policy.duration("state_beat")
        self._tolerance = document.policy.thresholds.memory_tolerance_percent

    def _look(self) -> HardwareState:
        return self._hardware.look(self._system_disks())

    def _changed(self, state: HardwareState) -> Iterator[Fact]:
        changed = self._compared(state)
        if changed is None or self._known is None:
            return
        self._known = remembered(self._known, state)
        self._look_at = self._monotonic() + _KEEP_S
        yield state
        yield changed

    def _compared(self, state: HardwareState) -> Fact | None:
        if self._known is None:
            return None
        return compared(self._known, state, tolerance_percent=self._tolerance)

    def _keep(self) -> None:
        """What was told the last time is on its way by now: twice is better than never."""
        if self._known != self._kept and self._known is not None and self._path:
            save(self._path, self._known)
        self._kept = self._known

    def _begun_anew(self) -> SensorGap:
        now_us = time.time_ns() // 1000
        detail = f"the memory of the hardware was unreadable and begins anew: {self._fault}"
        self._fault = ""
        return SensorGap(
            sensor=self.name, cause="failed", from_us=now_us, to_us=now_us, detail=detail
        )
