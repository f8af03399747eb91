"""Files that the anti-virus named: whether they lie on a medium, and what they hold.

Looked at on a thread of its own: a file may lie on a disk that sleeps, and opening it may
itself wait for the anti-virus.
"""

import hashlib
import os
import queue
import stat
import threading
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from agent.media.inventory import Inventory
from agent.system.doorbell import Doorbell
from agent.system.hardware import running_disks
from agent.system.udev import UdevDevices

HASHED_MOST = 1 << 30
"""Octets; what is larger has no hash."""
_DESKTOP_MOUNTS = ("/media/", "/run/media/")  # udisks(8)
_CHUNK = 256 << 10
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC


class Examined(NamedTuple):
    """`is_there`: under this path.  `sha256` in hexadecimal, empty where it may not be read."""

    path: str
    is_there: bool
    on_medium: bool
    sha256: str


class DetectedFiles:
    """Readable (`fileno`) when one more was examined."""

    def __init__(self) -> None:
        self._bell = Doorbell()
        self._asked: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Examined] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def fileno(self) -> int:
        return self._bell.fileno()

    def examine(self, path: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="detections", daemon=True)
            self._thread.start()
        self._asked.put(path)

    def examined(self) -> list[Examined]:
        """Those that are done since the last call."""
        self._bell.answer()
        return [self._done.get() for _ in range(self._done.qsize())]

    def close(self) -> None:
        if self._thread:
            self._asked.put(None)
            self._thread.join()
            self._thread = None
        self._bell.close()

    def _work(self) -> None:
        while (path := self._asked.get()) is not None:
            on_medium = lies_on_medium(path)
            digest = "" if on_medium else _digest(path)
            self._done.put(Examined(path, os.path.lexists(path), on_medium, digest))
            self._bell.ring()


def lies_on_medium(path: str) -> bool:
    """By the file system that it is on.  One that is gone from where desktops mount media was
    on one that was pulled.
    """
    place = Path(path)
    if not os.path.lexists(path) and path.startswith(_DESKTOP_MOUNTS):
        return True
    number = next((_number(each) for each in (place, *place.parents) if os.path.lexists(each)), 0)
    if number in (0, _number(Path("/"))):
        return False
    inventory = Inventory(running_disks())
    with closing(UdevDevices()) as devices:
        devices.open()
        inventory.replace(devices.present())
    return inventory.locate(number) is not None


def _number(path: Path) -> int:
    try:
        return path.lstat().st_dev
    except OSError:
        return 0


def _digest(path: str) -> str:
    digest, view = hashlib.sha256(), memoryview(bytearray(_CHUNK))
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > HASHED_MOST:
                return ""
            while octets := file.readinto(view):
                digest.update(view[:octets])
    except OSError:
        return ""
    return digest.hexdigest()
