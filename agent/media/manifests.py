"""Manifests as they lie in the state folder: of receipts made here, and fetched ones."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from agent.durable import make_private_folder, read_whole, write_durably

MANIFESTS = "manifests"
"""The folder's name in the state folder."""
KEPT_BYTES = 64 * 1024 * 1024
KEPT = 200
_KNOWN, _UNSENT = ".zst", ".unsent"


class Manifests:
    """By the id of their receipt, packed.  Bounded: those that were used last are kept.  May be
    used by several threads.
    """

    def __init__(self, state: Path) -> None:
        self._folder = state / MANIFESTS
        self._lock = threading.Lock()

    def get(self, receipt: str) -> bytes | None:
        """None also where it cannot be read: it is fetched then."""
        for ending in (_KNOWN, _UNSENT):
            path = self._folder / f"{receipt}{ending}"
            with contextlib.suppress(OSError):
                body = read_whole(path)
                if body is not None:
                    os.utime(path)
                    return body
        return None

    def put(self, receipt: str, body: bytes, *, sent: bool) -> None:
        """Raises OSError where the disk is full."""
        with self._lock:
            make_private_folder(self._folder)
            write_durably(self._folder / f"{receipt}{_KNOWN if sent else _UNSENT}", body)
            self._bound()

    def unsent(self) -> Iterator[str]:
        """Receipts whose manifests the collector does not have yet, the newest first."""
        for path in self._newest_first():
            if path.suffix == _UNSENT:
                yield path.stem

    def sent(self, receipt: str) -> None:
        path = self._folder / f"{receipt}{_UNSENT}"
        with contextlib.suppress(FileNotFoundError):
            path.rename(path.with_suffix(_KNOWN))

    def _bound(self) -> None:
        left = KEPT_BYTES
        for rank, path in enumerate(self._newest_first()):
            with contextlib.suppress(FileNotFoundError):
                left -= path.stat().st_size
                if left < 0 or rank >= KEPT:
                    path.unlink()

    def _newest_first(self) -> list[Path]:
        aged: list[tuple[int, Path]] = []
        with contextlib.suppress(FileNotFoundError):
            for path in self._folder.iterdir():
                if path.suffix in (_KNOWN, _UNSENT):
                    with contextlib.suppress(FileNotFoundError):
                        aged.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(aged, reverse=True)]
