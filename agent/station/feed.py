"""What the station's page shows: the agent's board, and the copy that runs."""

import contextlib
import threading
from pathlib import Path
from select import select
from typing import Literal

import msgspec

from agent.media.board import BOARD_FILE, MediaNow, MediumNow, read_board
from agent.station.qr import qr_path
from agent.system.inotify import FolderWatch
from agent.system.machine import process_is_alive

LOOKS_EVERY = 5.0
"""Seconds between two looks at whether the agent still runs; the board is heard of at once."""


class CopyNow(msgspec.Struct, frozen=True, kw_only=True):
    """The last copy that was asked for, by the keys of its media; `reason` as in CopyFailed."""

    source: str
    target: str
    state: Literal["running", "done", "failed"]
    files: int = 0
    folder: str = ""
    reason: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """`codes` are QR codes (paths for SVG) of the receipts' numbers."""

    running: bool
    media: tuple[MediumNow, ...] = ()
    phone: str = ""
    language: str = "zh_CN"
    codes: dict[str, str] = {}
    copy: CopyNow | None = None


class Feed:
    """Read by the pages' threads, written by the one in `follow` and by a copy's."""

    def __init__(self, state: Path) -> None:
        self._path = state / BOARD_FILE
        self._changed = threading.Condition()
        self._copy: CopyNow | None = None
        self._number = 0
        self._page = Page(running=False)
        self.look()

    def look(self) -> None:
        """At the board, now."""
        board = self._board()
        with self._changed:
            self._show(board, self._copy)

    def copying(self, copy: CopyNow) -> None:
        with self._changed:
            self._show(self._board(), copy)

    def page(self) -> Page:
        with self._changed:
            return self._page

    def newer(self, seen: int, patience: float) -> tuple[int, Page]:
        """The page as soon as it is another than number `seen`, or when patience ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != seen, patience)
            return self._number, self._page

    def follow(self, watch: FolderWatch) -> None:
        """For ever, on a thread of its own."""
        while True:
            self.catch_up(watch)
            select([watch.fileno()], [], [], LOOKS_EVERY)

    def catch_up(self, watch: FolderWatch) -> None:
        """Whatever is written after this look is heard of, also in a folder that came only now:
        first the watch, then the look.
        """
        watch.drain()
        watch.watch(self._path.parent, (BOARD_FILE,))
        self.look()

    def _board(self) -> MediaNow | None:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            board = read_board(self._path)
            if board is not None and process_is_alive(board.pid):
                return board
        return None

    def _show(self, board: MediaNow | None, copy: CopyNow | None) -> None:
        self._copy = copy
        page = Page(running=False, copy=copy) if board is None else _page(board, copy)
        if page != self._page:
            self._page = page
            self._number += 1
            self._changed.notify_all()


def _page(board: MediaNow, copy: CopyNow | None) -> Page:
    receipts = (medium.receipt for medium in board.media if medium.receipt)
    return Page(
        running=True,
        media=board.media,
        phone=board.phone,
        language=board.language,
        codes={receipt: qr_path(receipt) for receipt in receipts},
        copy=copy,
    )
