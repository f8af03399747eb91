"""The anti-virus engine as a scan sees it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, Protocol

import msgspec

Finding = Literal["clean", "infected", "skipped"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_VERSION = re.compile(
    r"(?P<engine>ClamAV [^/\s]+)(?:/(?P<signatures>\d+)/\w{3} (?P<month>\w{3}) +(?P<day>\d+)"
    r" (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<year>\d{4}))?"
)
_NOT_MALWARE: Mapping[str, str] = {
    "Heuristics.Encrypted": "encrypted",
    "Heuristics.Limits.Exceeded": "limits_exceeded",
}


class EngineUnavailable(Exception):
    """No engine answers, or it stopped answering; the message is the reason."""


class EngineVersion(msgspec.Struct, frozen=True):
    """`signatures_at_us` is 0 where neither the engine nor its files tell the date."""

    engine: str
    signatures: str = ""
    signatures_at_us: int = 0


class FileVerdict(msgspec.Struct, frozen=True):
    """What the engine said of one file: `name` is the signature or the reason; `engine` who
    found it where several were asked.
    """

    finding: Finding
    name: str = ""
    engine: str = ""


class EngineSession(Protocol):
    """Several files in flight over one connection."""

    def submit(self, descriptor: int) -> int:
        """Hands over an open file; its ticket.  The file may be closed right after."""

    def verdict(self) -> tuple[int, FileVerdict]:
        """The next verdict of any file that was submitted, with its ticket."""

    def interrupt(self) -> None:
        """From another thread: whoever waits for a verdict gets EngineUnavailable."""

    def close(self) -> None:
        """May be called twice."""


class Engine(Protocol):
    """All methods raise EngineUnavailable."""

    def version(self) -> EngineVersion: ...

    def session(self) -> EngineSession: ...

    def largest_file(self) -> int:
        """Bytes; of a larger file the engine reads nothing and says it is clean."""

    def pid(self) -> int:
        """Of the engine on this machine, 0 for a remote one or while unknown."""


def parse_version(reply: str) -> EngineVersion:
    """`ClamAV 1.4.6/27000/Tue Nov 18 09:20:00 2026`; without a database only the first
    part.  clamd writes its own local time without a zone; it is taken as UTC here,
    which is hours off at most, against limits of days.

    Raises:
        EngineUnavailable: for anything else; what answers there is no clamd.
    """
    match = _VERSION.match(reply)
    if match is None:
        raise EngineUnavailable(f"no engine answers there, but: {reply[:60]!r}")
    if match["signatures"] is None or match["month"] not in _MONTHS:
        return EngineVersion(match["engine"])
    year, day, hour, minute, second = (
        int(match[part]) for part in ("year", "day", "hour", "minute", "second")
    )
    month = _MONTHS.index(match["month"]) + 1
    built = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return EngineVersion(match["engine"], match["signatures"], int(built.timestamp()) * 1_000_000)


def parse_verdict(reply: str) -> FileVerdict:
    """`fd[12]: OK`, `stream: Name FOUND`, `fd[12]: Reason ERROR`.

    A heuristic that says the file could not be looked into is no malware.
    """
    _, _, said = reply.rpartition(": ")
    if said == "OK":
        return FileVerdict("clean")
    words = said.rsplit(" ", 1)
    if words[-1] == "FOUND":
        return _found(words[0])
    if "size limit exceeded" in reply:
        return FileVerdict("skipped", "too_large")
    return FileVerdict("skipped", "engine_error")


def _found(name: str) -> FileVerdict:
    for prefix, reason in _NOT_MALWARE.items():
        if name.startswith(prefix):
            return FileVerdict("skipped", reason)
    return FileVerdict("infected", name)
