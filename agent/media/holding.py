"""Whether a held medium is released; pure."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta

import msgspec

from agent.media.scan import ScanOutcome
from checks.policy import Policy

GUARDED_BUSES = frozenset(
    ("usb", "mmc", "thunderbolt", "firewire", "sata_hotplug", "optical", "floppy", "nbd")
)
"""Ways of being attached (`agent.media.identity.bus_of`) whose media are held."""
_MICROSECOND = timedelta(microseconds=1)
_WORST_FIRST = ("infected", "not_scanned", "incomplete")
_SETTING_UP = 2
"""Seconds that a scan takes whatever it reads."""


class Ruling(msgspec.Struct, frozen=True):
    """What becomes of a medium.  `ground` and `reason` as in `MediumHeld`."""

    released: bool
    ground: str
    reason: str = ""


def ruling(
    outcomes: Sequence[ScanOutcome], refusals: Sequence[str], policy: Policy, now_us: int
) -> Ruling:
    """By the scans of all its file systems, and why others of its parts could not be mounted.

    Released only when every part was mounted and scanned clean, by an engine whose signatures
    are as new as the policy wants (times in microseconds).
    """
    verdicts = {outcome.verdict: outcome.reason for outcome in reversed(outcomes)}
    for verdict in _WORST_FIRST:
        if verdict in verdicts:
            return Ruling(released=False, ground=verdict, reason=verdicts[verdict])
    if refusals or not outcomes:
        return Ruling(released=False, ground="no_file_system", reason="; ".join(refusals))
    limit_us = policy.duration("signatures_max_age") // _MICROSECOND
    if any(now_us - outcome.version.signatures_at_us > limit_us for outcome in outcomes):
        return Ruling(released=False, ground="signatures_old")
    return Ruling(released=True, ground="clean")


class Pace:
    """How fast media are scanned on this machine, learnt from the scans so far."""

    def __init__(self) -> None:
        self._size = 0
        self._seconds = 0.0

    def scanned(self, size: int, seconds: float) -> None:
        self._size += size
        self._seconds += seconds

    def estimate(self, used: int) -> int:
        """Whole seconds for `used` bytes, 0 before the first scan."""
        if not self._size:
            return 0
        return _SETTING_UP + round(used * self._seconds / self._size)


def is_meant(wanted: str, *, names: Iterable[str]) -> bool:
    """Whether a medium is meant by what somebody typed: its node, serial number or key."""
    return wanted in frozenset(name for name in names if name)


class Cleared:
    """File systems (dev_t) that were scanned clean while they were held: their user's mount
    need not be scanned once more.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, AbstractSet[int]] = {}

    def add(self, disk: str, numbers: Iterable[int]) -> None:
        self._numbers[disk] = frozenset(numbers)

    def drop(self, disk: str) -> None:
        """The medium was taken out, or another is in its place."""
        self._numbers.pop(disk, None)

    def __contains__(self, number: object) -> bool:
        return any(number in numbers for numbers in self._numbers.values())
