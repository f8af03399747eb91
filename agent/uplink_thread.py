"""The thread that the uplink runs on: waits as the uplink says, wakes when told."""

import threading
from collections.abc import Callable
from typing import Protocol

from agent.uplink import Pause, UplinkHealth


class Stepping(Protocol):
    health: UplinkHealth

    def step(self) -> Pause: ...

    def network_changed(self) -> None: ...


class UplinkThread:
    """`interval` is the least time between two steps that new observations cause, in
    seconds; the first goes at once, those that come meanwhile go together.
    """

    def __init__(
        self,
        uplink: Stepping,
        *,
        interval: float,
        monotonic: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        """`on_change` is called, on this thread, when the uplink's state has changed."""
        self._uplink = uplink
        self._interval = interval
        self._monotonic = monotonic
        self._on_change = on_change
        self._bell = threading.Condition()
        self._work = True
        self._urgent = False
        self._stopping = False
        self._drained = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    @property
    def health(self) -> UplinkHealth:
        return self._uplink.health

    def start(self) -> None:
        self._thread.start()

    def something_was_put(self) -> None:
        with self._bell:
            self._work = True
            self._drained.clear()
            self._bell.notify()

    def network_changed(self) -> None:
        """Ends a pause that only a failure asked for."""
        with self._bell:
            self._urgent = True
            self._bell.notify()

    def drain(self, patience: float) -> bool:
        """Whether everything that was put has left within `patience` seconds; a pause
        is cut short once for it.
        """
        with self._bell:
            self._urgent = True
            self._bell.notify()
        return self._drained.wait(patience)

    def stop(self, patience: float) -> None:
        """Ends the thread after the step it is in, or leaves it behind: what it was
        sending stays in the spool.
        """
        with self._bell:
            self._stopping = True
            self._bell.notify()
        self._thread.join(patience)

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while self._begin_step():
            began = self._monotonic()
            before = self._uplink.health
            pause = self._uplink.step()
            if (before.state, before.reason) != (
                self._uplink.health.state,
                self._uplink.health.reason,
            ):
                self._on_change()
            self._wait(pause, began)

    def _begin_step(self) -> bool:
        with self._bell:
            if self._urgent:
                self._uplink.network_changed()
            self._work = self._urgent = False
            return not self._stopping

    def _wait(self, pause: Pause, began: float) -> None:
        with self._bell:
            if pause.seconds is None and pause.for_work and not self._work:
                self._drained.set()
            if pause.for_work:
                ended = self._bell.wait_for(
                    lambda: self._work or self._urgent or self._stopping, pause.seconds
                )
                rest = self._interval - (self._monotonic() - began)
                if ended and rest > 0:
                    self._bell.wait_for(lambda: self._urgent or self._stopping, rest)
            else:
                self._bell.wait_for(lambda: self._urgent or self._stopping, pause.seconds)
