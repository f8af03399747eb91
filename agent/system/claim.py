"""One holder at a time: flock(2) on a file of the agent's own."""

import fcntl
import os
from pathlib import Path


class Claimed(Exception):
    """Somebody else holds it."""


class Claim:
    """Held until `close`, or until the process ends in whatever way."""

    def __init__(self, path: Path) -> None:
        """Raises Claimed, and OSError when the file cannot be made."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            os.close(self._descriptor)
            raise Claimed(f"{path} is held by another process") from held

    def close(self) -> None:
        os.close(self._descriptor)
