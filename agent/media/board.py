"""What is plugged in here and how far its check is: for `status` and for an import station."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from agent.durable import PRIVATE, read_whole, replace
from agent.media.progress import Progress, UnderWay, progress_of
from checks.facts import Fact
from checks.facts.holding import MediumHeld
from checks.facts.media import (
    Medium,
    MediumAttached,
    MediumDetached,
    MediumMounted,
    MediumScanned,
    MediumUnmounted,
)
from checks.facts.media_register import RegisteredMedium
from checks.facts.receipts import ReceiptIssued
from checks.finding import Verdict

BOARD_FILE = "plugged-in.json"
OPENED_WITHIN = 30.0
"""Seconds after which a medium that nobody mounts, or that does not let itself be opened, is told
as one: without it being opened no check begins.
"""

State = Literal[
    "inserted",
    "not_opened",
    "waiting",
    "scanning",
    "clean",
    "infected",
    "incomplete",
    "not_scanned",
    "unreadable",
    "emergency",
]
_BY_GROUND: Mapping[str, State] = {
    "clean": "clean",
    "infected": "infected",
    "incomplete": "incomplete",
    "not_scanned": "not_scanned",
    "signatures_old": "not_scanned",
    "no_file_system": "unreadable",
    "unreadable": "unreadable",
    "emergency": "emergency",
}
_WORST_FIRST: tuple[State, ...] = ("infected", "not_scanned", "incomplete", "clean")
_NAMED_AT_MOST = 5


class MediumNow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One medium that is plugged in.

    `held`: nobody can open it.  `reason` says more of `state`; `files` and `bytes` were scanned,
    `skipped` (reason → count) were not, `threats` are the first signatures that were found.
    `receipt` is the id of the one that covers it.  `points` are where it is mounted; `takes` says
    that the register lets files be written to it here, under `number`.
    """

    key: str
    name: str
    kind: str
    capacity: int = 0
    state: State = "inserted"
    held: bool = False
    reason: str = ""
    progress: Progress | None = None
    files: int = 0
    bytes: int = 0
    skipped: Mapping[str, int] = {}
    threats: tuple[str, ...] = ()
    receipt: str = ""
    engine: str = ""
    signatures: str = ""
    points: tuple[str, ...] = ()
    number: str = ""
    takes: bool = False


class MediaNow(msgspec.Struct, frozen=True, kw_only=True):
    """The file of the board.  `pid` is the agent's; whom to call, and in which language people
    are spoken to first, is the policy's.
    """

    pid: int
    media: tuple[MediumNow, ...] = ()
    phone: str = ""
    language: str = "zh_CN"


class _Seen:
    """One insertion of a medium.  `keys` are all that it was known by: what is held is known by
    its file systems before anybody else may see them.
    """

    def __init__(self, medium: Medium) -> None:
        self.medium = medium
        self.keys = {medium.key}
        self.failed = False
        self.hold: MediumHeld | None = None
        self.scans: dict[str, MediumScanned] = {}
        self.settled = False
        self.receipt = ""
        self.points: dict[str, bool] = {}
        self.waits_since: float | None = None


class Board:
    """By the device node: a medium without serial number is known by another key before its file
    systems were seen.
    """

    def __init__(self, entry_of: Callable[[Medium], RegisteredMedium | None]) -> None:
        self._entry_of = entry_of
        self._media: dict[str, _Seen] = {}

    def heard(self, fact: Fact, failed: Iterable[Verdict] = ()) -> bool:
        """Whether it is about a medium; `failed` are the checks that it failed."""
        if isinstance(fact, ReceiptIssued):
            return self._receipt(fact)
        if isinstance(fact, MediumDetached):
            return self._media.pop(_place(fact.medium), None) is not None
        if not isinstance(
            fact, MediumAttached | MediumHeld | MediumMounted | MediumUnmounted | MediumScanned
        ):
            return False
        seen = self._media.setdefault(_place(fact.medium), _Seen(fact.medium))
        seen.medium = fact.medium
        seen.keys.add(fact.medium.key)
        if isinstance(fact, MediumMounted):
            seen.points[fact.mount_point] = fact.read_only
        elif isinstance(fact, MediumUnmounted):
            seen.points.pop(fact.mount_point, None)
        elif isinstance(fact, MediumHeld):
            _held(seen, fact)
        elif isinstance(fact, MediumScanned):
            _scanned(seen, fact)
        if isinstance(fact, MediumAttached | MediumMounted):
            seen.failed = seen.failed or bool([*failed])
        return True

    def media(self, scans: Sequence[UnderWay], now: float) -> tuple[MediumNow, ...]:
        """`now` in seconds of the monotonic clock; a medium waits from the first look on that
        finds it so.
        """
        return tuple(self._now(seen, scans, now) for seen in self._media.values())

    def deadline(self, now: float) -> float | None:
        """When a medium will have waited too long, None where none waits."""
        waiting = [
            seen.waits_since for seen in self._media.values() if seen.waits_since is not None
        ]
        ends = [since + OPENED_WITHIN for since in waiting]
        return min((end for end in ends if end > now), default=None)

    def _receipt(self, issued: ReceiptIssued) -> bool:
        receipt = issued.signed.receipt
        own = [seen for seen in self._media.values() if seen.medium.key == receipt.medium]
        for seen in own:
            seen.receipt = receipt.id
        return bool(own)

    def _now(self, seen: _Seen, scans: Sequence[UnderWay], now: float) -> MediumNow:
        medium = seen.medium
        progress = _progress([scan for scan in scans if scan.medium in seen.keys], seen, now)
        state, reason = _state(seen, progress)
        state = _overdue(seen, state, now)
        told = seen.scans.values()
        entry = self._entry_of(medium)
        return MediumNow(
            key=medium.key,
            name=medium.describe(),
            kind=medium.kind,
            capacity=medium.capacity,
            state=state,
            held=seen.hold is not None and seen.hold.action != "released",
            reason=reason,
            progress=progress,
            files=sum(scan.files for scan in told),
            bytes=sum(scan.bytes for scan in told),
            skipped=_added(scan.skipped for scan in told),
            threats=_threats(told),
            receipt=seen.receipt if state == "clean" else "",
            engine=next((scan.engine for scan in told), ""),
            signatures=next((scan.signatures for scan in told), ""),
            points=tuple(seen.points),
            number=entry.number if entry else "",
            takes=_takes(seen, entry),
        )


def write_board(path: Path, now: MediaNow) -> None:
    """Not for ever: it is written anew at the next start.  Raises OSError."""
    replace(path, msgspec.json.encode(now), mode=PRIVATE)


def read_board(path: Path) -> MediaNow | None:
    """None when no agent has written one.

    Raises:
        OSError: it cannot be read.
        msgspec.DecodeError: it is of another version.
    """
    content = read_whole(path)
    return None if content is None else msgspec.json.decode(content, type=MediaNow)


def _place(medium: Medium) -> str:
    return medium.device or medium.key


def _held(seen: _Seen, fact: MediumHeld) -> None:
    if fact.action == "held":
        seen.scans.clear()
    seen.hold = fact
    seen.settled = fact.action != "held"


def _scanned(seen: _Seen, fact: MediumScanned) -> None:
    """While it is held its file systems are mounted nowhere that has a name."""
    if not fact.mount_point and seen.settled:
        seen.scans.clear()
        seen.settled = False
    place = fact.mount_point or f"#{len(seen.scans)}"
    before = seen.scans.get(place)
    if fact.how != "written" or fact.verdict != "clean" or before is None:
        seen.scans[place] = fact
    seen.receipt = fact.receipt if fact.how == "unchanged" else ""


def _progress(running: Sequence[UnderWay], seen: _Seen, now: float) -> Progress | None:
    """None where nothing runs.  Of what is held it was estimated how long it takes."""
    if not running:
        return None
    return progress_of(running, now, seen.hold.estimate if seen.hold else 0)


def _state(seen: _Seen, progress: Progress | None) -> tuple[State, str]:
    if progress is not None:
        return ("waiting" if progress.waiting else "scanning"), ""
    if seen.hold is not None and seen.hold.ground in _BY_GROUND:
        ground = seen.hold.ground
        if ground != "clean" or not seen.points:
            return _BY_GROUND[ground], _why(seen, ground)
    verdicts = {scan.verdict: scan.reason for scan in seen.scans.values()}
    for state in _WORST_FIRST:
        if state in verdicts:
            return state, verdicts[state]
    if seen.hold is not None and seen.hold.ground == "clean":
        return "clean", ""
    closed = next((part.closed for part in seen.medium.partitions if part.closed), "")
    return ("unreadable", closed) if closed else ("inserted", "")


def _overdue(seen: _Seen, state: State, now: float) -> State:
    if state != "inserted" or seen.points:
        seen.waits_since = None
        return state
    if seen.waits_since is None:
        seen.waits_since = now
    return "not_opened" if now >= seen.waits_since + OPENED_WITHIN else state


def _why(seen: _Seen, ground: str) -> str:
    """A word of ours; what the kernel said is for the case."""
    reasons = [scan.reason for scan in seen.scans.values() if scan.verdict == ground]
    return next((reason for reason in reasons if reason), "" if ground in _WORST_FIRST else ground)


def _takes(seen: _Seen, entry: RegisteredMedium | None) -> bool:
    if entry is None or seen.failed or entry.lost or entry.kind == "banned":
        return False
    return entry.access == "read_write" and not all(seen.points.values())


def _threats(scans: Iterable[MediumScanned]) -> tuple[str, ...]:
    names = [one.signature for scan in scans for one in scan.infections]
    return tuple(dict.fromkeys(names))[:_NAMED_AT_MOST]


def _added(skipped: Iterable[Mapping[str, int]]) -> dict[str, int]:
    whole: dict[str, int] = {}
    for counts in skipped:
        for reason, count in counts.items():
            whole[reason] = whole.get(reason, 0) + count
    return whole
