"""What an anti-virus program's log says that it found.  Pure.

clamd(8) writes `Mon Nov 23 11:10:40 2026 -> /home/a.exe: Name FOUND` (the time only with LogTime,
`(md5:size)` behind the name with ExtendedDetectionInfo), clamonacc(8) the same without a time;
syslog puts host and program in front.  `fd[12]` and `instream(…)` stand for files that somebody
else had opened.
"""

import re
import threading
from collections.abc import Callable
from typing import NamedTuple

from agent.media.engine import parse_verdict

_FOUND = re.compile(
    r"(?:(?P<moment>\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}) -> )?"
    r"(?:.{0,120}? clam(?:d|onacc)(?:\[\d+\])?: )?"
    r"(?P<file>.*): (?P<signature>[^:]+?)(?:\([0-9a-f]{32,64}:\d+\))? FOUND"
)
KEPT_MOST = 1024


class Found(NamedTuple):
    """`path` is empty where the program was handed an open file; `moment` is its own local
    time as it stands there, empty without one.
    """

    path: str
    signature: str
    moment: str


def found_in(line: str) -> Found | None:
    """None for every line that tells of no malware: what could not be looked into is none."""
    match = _FOUND.fullmatch(line.strip())
    if match is None or parse_verdict(f"x: {match['signature']} FOUND").finding != "infected":
        return None
    path = match["file"] if match["file"].startswith("/") else ""
    return Found(path, match["signature"], match["moment"] or "")


class OwnFinds:
    """What our own scans of media have just been told by the engine, which its log tells too.

    Noted on the scanning threads, claimed by the loop.
    """

    def __init__(self, monotonic: Callable[[], float], *, remembered_s: float = 60.0) -> None:
        self._monotonic = monotonic
        self._remembered_s = remembered_s
        self._lock = threading.Lock()
        self._noted: list[tuple[float, str]] = []

    def note(self, signature: str) -> None:
        with self._lock:
            self._noted = [*self._noted, (self._monotonic(), signature)][-KEPT_MOST:]

    def claims(self, signature: str) -> bool:
        """Whether one of ours was that, which then is used up."""
        oldest = self._monotonic() - self._remembered_s
        with self._lock:
            self._noted = [each for each in self._noted if each[0] >= oldest]
            ours = next((each for each in self._noted if each[1] == signature), None)
            if ours is not None:
                self._noted.remove(ours)
        return ours is not None


class ToldLately:
    """Which malware in which file was told within a span (seconds)."""

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s
        self._told: dict[tuple[str, str], float] = {}

    def is_new(self, found: Found, now: float) -> bool:
        """Whether it is to be told now; then it counts as told."""
        key = (found.path, found.signature)
        at = self._told.get(key)
        if at is not None and now - at < self.span_s:
            return False
        self._told.pop(key, None)
        if len(self._told) >= KEPT_MOST:
            del self._told[next(iter(self._told))]
        self._told[key] = now
        return True
