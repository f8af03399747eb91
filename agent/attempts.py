"""Equal attempts of one window, told once and then counted.  Pure and bounded."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from checks.facts.base import Process
from checks.facts.connections import ConnectionSeen

GROUPS_KEPT = 4_096
BREADTH_KEPT = 256
"""Destinations and ports of one process over one way that are counted apart in a window;
who tries more sweeps, and what is behind them is counted together."""

_Alike = tuple[object, ...]


@dataclass(slots=True)
class _Group:
    """Equal attempts of one window after the first, which was told at once."""

    ends: float
    whose: _Alike
    latest: ConnectionSeen | None = None
    flows: int = 0


class Attempts:
    """`window` is how long equal attempts are counted, in seconds (0: each is told)."""

    def __init__(self, window: float) -> None:
        self.window = window
        self._groups: dict[_Alike, _Group] = {}
        self._breadth: Counter[_Alike] = Counter()

    def tell(self, fact: ConnectionSeen, now: float) -> list[ConnectionSeen]:
        """The first of its kind in this window at once, the others when it ends."""
        if not self.window:
            return [fact]
        whose, what = _whose(fact), (fact.outside, fact.destination_port)
        alike = (*whose, *what)
        if alike not in self._groups and self._breadth[whose] >= BREADTH_KEPT:
            alike = whose
        group = self._groups.get(alike)
        if group is None:
            told = self._close_oldest() if len(self._groups) >= GROUPS_KEPT else []
            self._groups[alike] = _Group(ends=now + self.window, whose=whose)
            self._breadth[whose] += 1
            return [*told, fact]
        group.latest = group.latest or fact
        group.flows += 1
        return []

    def ended(self, now: float) -> Iterator[ConnectionSeen]:
        """Counts whose window has ended."""
        while self._groups and self._first().ends <= now:
            yield from self._close_oldest()

    def deadline(self) -> float | None:
        """When the next window ends."""
        return self._first().ends if self._groups else None

    def _first(self) -> _Group:
        """The oldest one, and the first to end: all windows are equally long."""
        return next(iter(self._groups.values()))

    def _close_oldest(self) -> list[ConnectionSeen]:
        return list(self._close(next(iter(self._groups))))

    def _close(self, alike: _Alike) -> Iterator[ConnectionSeen]:
        group = self._groups.pop(alike)
        self._breadth[group.whose] -= 1
        if not self._breadth[group.whose]:
            del self._breadth[group.whose]
        if group.latest is not None:
            yield msgspec.structs.replace(group.latest, flows=group.flows)


def _whose(fact: ConnectionSeen) -> _Alike:
    """Not the pid: a retrying script has a new one each time."""
    process = fact.process
    who = (
        (process.executable or process.name, process.uid)
        if isinstance(process, Process)
        else (process.why, process.uid)
    )
    return (*who, fact.protocol, fact.direction, fact.answer, fact.egress)
