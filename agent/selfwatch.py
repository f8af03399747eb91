"""What the agent notices about itself: sleep, a debugger, changed files."""

from collections.abc import Iterator
from typing import Protocol

from agent.integrity import Fingerprint, OwnFiles
from agent.records import EVERY_SENSOR, Moment
from checks.facts.health import AgentTampered, SensorGap

_LEAST_SLEEP_US = 1_000_000
"""Less is the drift between two readings of two clocks."""


class Host(Protocol):
    """The machine, as `agent.system.machine` has it."""

    def now(self) -> Moment: ...

    def slept_us(self) -> int: ...

    def boot_id(self) -> str: ...

    def machine_hash(self) -> str: ...

    def host_name(self) -> str: ...

    def system_name(self) -> str: ...

    def tracer(self) -> str: ...

    def logged_in_users(self) -> tuple[str, ...]: ...

    def footprint(self) -> tuple[int, float]: ...


class SelfWatch:
    """Remembers what was told, so that everything is told once."""

    def __init__(self, host: Host, files: OwnFiles) -> None:
        self._host = host
        self._files = files
        self._slept_us = host.slept_us()
        self.tracer = host.tracer()
        self.fingerprint: Fingerprint = files.fingerprint()

    def sleep(self) -> Iterator[SensorGap]:
        """A gap for every sensor when the machine has slept since the last call."""
        total_us = self._host.slept_us()
        asleep_us, self._slept_us = total_us - self._slept_us, total_us
        if asleep_us >= _LEAST_SLEEP_US:
            awake_us = self._host.now().at_us
            yield SensorGap(
                sensor=EVERY_SENSOR, cause="asleep", from_us=awake_us - asleep_us, to_us=awake_us
            )

    def tampering(self) -> Iterator[AgentTampered]:
        """A debugger that came, and files that changed, since the last call."""
        tracer = self._host.tracer()
        if tracer and tracer != self.tracer:
            yield AgentTampered(what="debugged", detail=tracer)
        self.tracer = tracer
        before, self.fingerprint = self.fingerprint, self._files.fingerprint()
        if self.fingerprint.binary != before.binary:
            yield AgentTampered(what="binary", detail=self.fingerprint.binary)
        if self.fingerprint.configuration != before.configuration:
            yield AgentTampered(what="configuration", detail=self.fingerprint.configuration)
