"""The files of a file system as they are read, against what a receipt says of them; pure."""

import random
from typing import Final

from agent.media.fingerprint import name_mark
from agent.media.manifest import Part

_draw: Final = random.SystemRandom()


class Comparison:
    """`marks` as a manifest has them, `size` in octets of all files.  Against `old` the paths of
    files that are new or other than they were stand in `changed`, and up to `sample` of the
    rest, drawn evenly, in `sampled`.
    """

    def __init__(self, secret: bytes, old: Part | None, sample: int) -> None:
        self._secret = secret
        self._old = old.marks if old is not None else {}
        self._wanted = sample
        self._same = 0
        self.marks: dict[bytes, bytes] = {}
        self.size = 0
        self.changed: list[bytes] = []
        self.sampled: list[bytes] = []

    def add(self, path: bytes, mark: bytes, size: int) -> None:
        """One file more."""
        name = name_mark(path, self._secret)
        self.marks[name] = mark
        self.size += size
        if self._old.get(name) != mark:
            self.changed.append(path)
            return
        self._same += 1
        if len(self.sampled) < self._wanted:
            self.sampled.append(path)
            return
        place = _draw.randrange(self._same)  # each file stays with the same chance
        if place < self._wanted:
            self.sampled[place] = path

    @property
    def is_same(self) -> bool:
        """Whether every file is there as it was, and no other."""
        return not self.changed and len(self.marks) == len(self._old)
