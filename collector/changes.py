"""Tells the listeners in this process what changed."""

import asyncio
import threading
from collections.abc import Callable
from time import monotonic

from collector.ports import Change, ChangesEnded


class LocalChanges:
    """Fits `collector.ports.Changes`; `publish` from any thread."""

    def __init__(self) -> None:
        self._committed = threading.Condition()
        self._entry = 0
        self._listeners: set[LocalSubscription] = set()
        self._ended = False

    def publish(self, change: Change) -> None:
        with self._committed:
            self._entry = max(self._entry, change.entry)
            self._committed.notify_all()
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.offer(change)

    def subscribe(self) -> "LocalSubscription":
        """For the event loop that runs now."""
        listener = LocalSubscription(asyncio.get_running_loop(), self._forget)
        with self._committed:
            self._listeners.add(listener)
            ended = self._ended
        if ended:
            listener.end()
        return listener

    def end(self) -> None:
        """Every listener, also a later one, is told that nothing more will come."""
        with self._committed:
            self._ended = True
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.end()

    def wait_for_entry(self, entry: int, timeout: float) -> bool:
        until = monotonic() + timeout
        with self._committed:
            while self._entry < entry:
                left = until - monotonic()
                if left <= 0:
                    return False
                self._committed.wait(left)
        return True

    def _forget(self, listener: "LocalSubscription") -> None:
        with self._committed:
            self._listeners.discard(listener)


class LocalSubscription:
    """What came since the last `next` is one change: a slow listener costs no memory
    but that of the cases and endpoints that changed meanwhile.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        forget: Callable[["LocalSubscription"], None],
    ) -> None:
        self._loop = loop
        self._forget = forget
        self._lock = threading.Lock()
        self._cases: dict[str, None] = {}
        self._endpoints: dict[str, None] = {}
        self._entry = 0
        self._pending = False
        self._ended = False
        self._arrived = asyncio.Event()

    def offer(self, change: Change) -> None:
        """Never blocks; wakes the listener once, however much is offered."""
        with self._lock:
            self._cases.update(dict.fromkeys(change.cases))
            self._endpoints.update(dict.fromkeys(change.endpoints))
            self._entry = max(self._entry, change.entry)
            was_pending, self._pending = self._pending, True
        if not was_pending:
            self._wake()

    def end(self) -> None:
        """What is waiting is still told; then `next` raises."""
        with self._lock:
            self._ended = True
        self._wake()

    async def next(self) -> Change:
        """Raises ChangesEnded."""
        await self._arrived.wait()
        with self._lock:
            if self._ended and not self._pending:
                raise ChangesEnded
            if not self._ended:
                self._arrived.clear()
            self._pending = False
            change = Change(
                cases=tuple(self._cases), endpoints=tuple(self._endpoints), entry=self._entry
            )
            self._cases.clear()
            self._endpoints.clear()
        return change

    def close(self) -> None:
        self._forget(self)

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:  # the loop was closed under its listener
            self.close()
