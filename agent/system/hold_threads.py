"""Opens held disks on threads of their own: a slow medium holds nobody up."""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from agent.system.doorbell import Doorbell
from agent.system.fuse_mount import LetIn
from agent.system.held_disk import OpenedDisk, open_privately


class DiskOpened(msgspec.Struct, frozen=True):
    """`insertion` is what `begin` was told."""

    disk: str
    insertion: str
    opened: OpenedDisk


class DiskUnreadable(msgspec.Struct, frozen=True):
    disk: str
    insertion: str
    reason: str


class DiskClosed(msgspec.Struct, frozen=True):
    """Nothing of ours has it mounted any more."""

    disk: str
    insertion: str


_STOPPING_SECONDS = 2.0

HoldNews = DiskOpened | DiskUnreadable | DiskClosed


class HoldThreads:
    def __init__(self, let_in: LetIn) -> None:
        self._let_in = let_in
        self._doorbell = Doorbell()
        self._news: queue.SimpleQueue[HoldNews] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def fileno(self) -> int:
        return self._doorbell.fileno()

    def open(self, disk: str, insertion: str) -> None:
        """Answered with DiskOpened or DiskUnreadable."""
        self._start(partial(self._open, disk, insertion))

    def close_disk(self, disk: str, insertion: str, opened: OpenedDisk) -> None:
        """Answered with DiskClosed."""
        self._start(partial(self._close, disk, insertion, opened))

    def news(self) -> Iterator[HoldNews]:
        """Drains what the threads have to say."""
        self._doorbell.answer()
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._news.get_nowait()

    def close(self) -> None:
        """Waits a moment for the threads; one that still unmounts is left to it."""
        for thread in self._threads:
            thread.join(_STOPPING_SECONDS)
        if not any(thread.is_alive() for thread in self._threads):
            self._doorbell.close()

    def _start(self, work: Callable[[], None]) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(threading.Thread(target=work, name="hold", daemon=True))
        self._threads[-1].start()

    def _open(self, disk: str, insertion: str) -> None:
        try:
            opened = open_privately(Path(disk), self._let_in)
        except OSError as unreadable:
            reason = unreadable.strerror or str(unreadable)
            self._post(DiskUnreadable(disk, insertion, reason))
        else:
            self._post(DiskOpened(disk, insertion, opened))

    def _close(self, disk: str, insertion: str, opened: OpenedDisk) -> None:
        opened.close()
        self._post(DiskClosed(disk, insertion))

    def _post(self, news: HoldNews) -> None:
        self._news.put(news)
        self._doorbell.ring()
