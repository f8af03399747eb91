"""Facts wait a moment for the hash of the program they name.  Pure."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import structs

from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen

PATIENCE = 0.25
"""Seconds that a fact waits at most; then it is told without the hash."""


class Hashes(Protocol):
    def of(self, pid: int, path: str) -> str | None:
        """Hexadecimal digits; None while it is being made, empty when it will not be."""


class AwaitedHashes:
    """Keeps back what names a program whose hash is being made."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes
        self._waiting: list[tuple[float, ConnectionSeen]] = []

    def through(self, facts: Iterable[ConnectionSeen], now: float) -> Iterator[ConnectionSeen]:
        """What can be told at once; `now` is monotonic, in seconds."""
        for fact in facts:
            told = self._completed(fact)
            if told is None:
                self._waiting.append((now + PATIENCE, fact))
            else:
                yield told

    def ready(self, now: float) -> Iterator[ConnectionSeen]:
        """What waited and has its hash now, or has waited long enough."""
        waiting, self._waiting = self._waiting, []
        for due, fact in waiting:
            told = self._completed(fact)
            if told is not None:
                yield told
            elif due <= now:
                yield fact
            else:
                self._waiting.append((due, fact))

    def deadline(self) -> float | None:
        return self._waiting[0][0] if self._waiting else None

    def _completed(self, fact: ConnectionSeen) -> ConnectionSeen | None:
        """None while the hash is being made."""
        process = fact.process
        if not isinstance(process, Process) or not process.executable or process.sha256:
            return fact
        made = self._hashes.of(process.pid, process.executable)
        if not made:
            return None if made is None else fact
        return structs.replace(fact, process=structs.replace(process, sha256=made))
