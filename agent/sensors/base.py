"""What the agent's loop asks of a sensor.

All sensors live on one thread and one selector: `wake`, `heal` and `policy_changed`
must not block.  What takes long (a scan) runs on a thread of the sensor's own and
announces its result through a file descriptor that the sensor returned from `start`.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Protocol

from checks.facts import Fact
from checks.policy import PolicyDocument


class SensorUnavailable(Exception):
    """The sensor may not look here, and trying again soon will not help: no root, no
    kernel feature.  The message is shown to people as the reason.
    """


class Sensor(Protocol):
    """One thing watched on this machine.

    The loop calls `start` first; an OSError there or in `wake` or `heal` makes the
    sensor *failed*: it is stopped, reported, and started again with back-off.
    """

    name: str
    heals_every: timedelta

    def start(self, document: PolicyDocument) -> Sequence[int]:
        """Opens what it watches; the file descriptors to select on for reading.

        Raises:
            SensorUnavailable: the sensor is *off*, with the reason.
            OSError: it is *failed* for now.
        """

    def wake(self) -> Iterable[Fact]:
        """Drains whatever is readable; also called when `deadline` has passed."""

    def heal(self) -> Iterable[Fact]:
        """Re-reads the states it watches at the slow beat, and at once after `start`:
        full state facts, and whatever an event missed.
        """

    def deadline(self) -> float | None:
        """time.monotonic() at which `wake` is wanted even if nothing is readable."""

    def degraded(self) -> str:
        """Why the sensor sees less than it should (no eBPF: processes may stay
        unknown); empty when it sees all.
        """

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        """The agent holds a new policy."""

    def stop(self) -> None:
        """Closes everything; may be called twice and after a failed start."""
