"""Copies from a clean medium to a registered one, one at a time, on a thread of its own."""

import threading
from functools import partial
from pathlib import Path

import msgspec

from agent.media.board import MediumNow
from agent.media.engine import Engine
from agent.station.feed import CopyNow, Feed
from agent.system.import_copy import CopyFailed, copy_clean

_TOLD_EVERY = 20
"""Files; more often would only keep the page busy."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """By the keys of the media."""

    source: str
    target: str


class Copier:
    def __init__(self, feed: Feed, engine: Engine) -> None:
        self._feed = feed
        self._engine = engine
        self._busy = threading.Lock()

    def ask(self, wish: Wish) -> bool:
        """Whether it begins: the source was scanned clean and complete, the target may be
        written to, both are mounted, and nothing else is being copied.
        """
        if not self._is_allowed(wish) or not self._busy.acquire(blocking=False):
            return False
        self._feed.copying(CopyNow(source=wish.source, target=wish.target, state="running"))
        threading.Thread(target=self._copy, args=(wish,), name="copy", daemon=True).start()
        return True

    def _copy(self, wish: Wish) -> None:
        try:
            self._feed.copying(self._copied(wish))
        finally:
            self._busy.release()

    def _copied(self, wish: Wish) -> CopyNow:
        now = CopyNow(source=wish.source, target=wish.target, state="running")
        source, target = self._found(wish.source), self._found(wish.target)
        if source is None or target is None:
            return msgspec.structs.replace(now, state="failed", reason="gone")
        files, folders = 0, []
        for point in source.points:
            try:
                copied = copy_clean(
                    Path(point),
                    Path(target.points[0]),
                    self._engine,
                    still=lambda: self._is_allowed(wish),
                    told=partial(self._tell, now, files),
                )
            except CopyFailed as failed:
                return msgspec.structs.replace(now, state="failed", reason=failed.reason)
            files += copied.files
            folders.append(copied.folder)
        return msgspec.structs.replace(now, state="done", files=files, folder=", ".join(folders))

    def _tell(self, now: CopyNow, before: int, files: int) -> None:
        if files % _TOLD_EVERY == 0:
            self._feed.copying(msgspec.structs.replace(now, files=before + files))

    def _is_allowed(self, wish: Wish) -> bool:
        source, target = self._found(wish.source), self._found(wish.target)
        if source is None or target is None or wish.source == wish.target:
            return False
        return source.state == "clean" and bool(source.points) and target.takes

    def _found(self, key: str) -> MediumNow | None:
        page = self._feed.page()
        return next((medium for medium in page.media if medium.key == key), None)
