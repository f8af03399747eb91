"""What this machine does by itself when a medium is plugged in."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from agent.system.autoplay_places import follow, look
from agent.system.inotify import FolderWatch
from checks.facts import Fact
from checks.facts.autoplay import AutoplayState
from checks.policy import PolicyDocument

READ_AFTER = 1.0
"""Seconds after the first of several changes; a desktop writes many settings in a row."""
SETTINGS_MOST = 128


class AutoplaySensor:
    """Folders are watched; nothing is read while nothing changes, but at the slow beat."""

    name = "autoplay"

    def __init__(
        self,
        homes: Callable[[], Iterable[Path]],
        *,
        root: Path = Path("/"),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.heals_every = timedelta(minutes=5)
        self._homes = homes
        self._root = root
        self._monotonic = monotonic
        self._closing = ExitStack()
        self._read_at: float | None = None

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self.heals_every = document.policy.duration("state_beat")
        self._watch = self._closing.enter_context(closing(FolderWatch()))
        self._unread: frozenset[Path] = frozenset()
        self._left_out = 0
        self._told: AutoplayState | None = None
        self._read_at = None
        return (self._watch.fileno(),)

    def wake(self) -> Iterable[Fact]:
        now = self._monotonic()
        if self._watch.drain() and self._read_at is None:
            self._read_at = now + READ_AFTER
        if self._read_at is not None and now >= self._read_at:
            yield from self._changed()

    def heal(self) -> Iterable[Fact]:
        self._told = None
        yield from self._changed()

    def deadline(self) -> float | None:
        return self._read_at

    def degraded(self) -> str:
        if self._unread:
            named = ", ".join(str(file)[:80] for file in sorted(self._unread)[:3])
            return f"settings that could not be read: {named}"
        return f"{self._left_out} settings are left out" if self._left_out else ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        self.heals_every = document.policy.duration("state_beat")
        return ()

    def stop(self) -> None:
        self._read_at = None
        self._closing.close()

    def _changed(self) -> Iterator[Fact]:
        self._read_at = None
        homes = tuple(self._homes())
        follow(self._watch, self._root, homes)  # first: what changes from now on is heard
        looked = look(self._root, homes)
        self._unread = looked.unread
        self._left_out = max(0, len(looked.settings) - SETTINGS_MOST)
        state = AutoplayState(settings=looked.settings[:SETTINGS_MOST])
        if state != self._told:
            self._told = state
            yield state
