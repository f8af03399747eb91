"""What this machine remembers of being outside, and when it was not watched."""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from agent.durable import make_private_folder, read_whole, replace
from agent.system.history_files import traces
from checks.facts import Fact
from checks.facts.history import OutreachHistory, Trace
from checks.policy import PolicyDocument

MEMORY = "history.json"
LOOKS_EVERY_S = 6 * 3600.0
TOLD_EVERY_S = 24 * 3600.0
HOLES_KEPT = 64
WATCHED = ("dhcp_lease", "usb_network", "modem")
"""What the other sensors see as it happens: while they ran it is no history."""


class Hole(msgspec.Struct, frozen=True, kw_only=True):
    from_us: int
    to_us: int


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """Since when this machine is watched, until when it was last, and the holes between."""

    first_us: int
    alive_us: int
    holes: tuple[Hole, ...] = ()

    def has(self, at_us: int) -> bool:
        """Whether somebody watched at this moment."""
        held = any(hole.from_us <= at_us <= hole.to_us for hole in self.holes)
        return at_us >= self.first_us and not held


class HistorySensor:
    """Reads files; nothing wakes it."""

    name = "history"

    def __init__(self, state: Path | None, root: Path = Path("/")) -> None:
        """Without a state folder it is always the first start, and leaves no trace."""
        self.heals_every = timedelta(minutes=5)
        self._path = state / MEMORY if state else None
        self._root = root
        self._look_at = self._tell_at = 0.0
        self._told: OutreachHistory | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self.heals_every = document.policy.duration("state_beat")
        self._watched = _resumed(self._remembered(), _wall_us())
        self._look_at = self._tell_at = 0.0
        return ()

    def wake(self) -> Iterable[Fact]:
        return ()

    def heal(self) -> Iterable[Fact]:
        now = time.monotonic()
        self._note_alive()
        if now < self._look_at:
            return
        self._look_at = now + LOOKS_EVERY_S
        found = OutreachHistory(traces=tuple(self._earlier(traces(self._root))))
        if found != self._told or now >= self._tell_at:
            self._told, self._tell_at = found, now + TOLD_EVERY_S
            yield found

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self.heals_every = document.policy.duration("state_beat")
        return ()

    def stop(self) -> None:
        """Nothing is open."""

    def _earlier(self, found: Iterable[Trace]) -> Iterator[Trace]:
        for trace in found:
            if trace.what in WATCHED and trace.at_us and self._watched.has(trace.at_us):
                continue
            yield trace

    def _remembered(self) -> Watched | None:
        """None before the first start, and when the memory was torn: all is history then."""
        content = read_whole(self._path) if self._path else None
        try:
            return None if content is None else msgspec.json.decode(content, type=Watched)
        except msgspec.DecodeError:
            return None

    def _note_alive(self) -> None:
        self._watched = msgspec.structs.replace(self._watched, alive_us=_wall_us())
        if self._path:
            make_private_folder(self._path.parent)
            replace(self._path, msgspec.json.encode(self._watched), mode=0o600)


def _resumed(before: Watched | None, now_us: int) -> Watched:
    """The memory with the hole since the last run."""
    if before is None:
        return Watched(first_us=now_us, alive_us=now_us)
    hole = Hole(from_us=before.alive_us, to_us=max(now_us, before.alive_us))
    return msgspec.structs.replace(before, holes=(*before.holes, hole)[-HOLES_KEPT:])


def _wall_us() -> int:
    return time.time_ns() // 1000
