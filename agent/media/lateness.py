"""Whether scans start and end in time; pure: the clock (monotonic seconds) is an argument."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from agent.media.watched import MountedAt
from checks.facts.scan_late import ScanLate
from checks.policy import Policy

_GB = 1_000_000_000


class Limits(msgspec.Struct, frozen=True):
    """Seconds, as in the policy's thresholds."""

    start: float
    end: float
    per_gb: float
    most: float

    def to_end(self, used: int) -> float:
        """For `used` bytes."""
        return min(self.most, self.end + self.per_gb * used / _GB)


def limits_of(policy: Policy) -> Limits:
    second = timedelta(seconds=1)
    return Limits(
        start=policy.duration("scan_starts_within") / second,
        end=policy.duration("scan_ends_within") / second,
        per_gb=policy.duration("scan_per_gb") / second,
        most=policy.duration("scan_ends_at_most") / second,
    )


class _Awaited(msgspec.Struct):
    """`due` is None once it was told that the scan is late."""

    where: MountedAt
    mounted: float
    due: float | None
    began: bool = False
    used: int = 0


class Lateness:
    """The scans that are awaited, by the number of their file system."""

    def __init__(self, policy: Policy) -> None:
        self._limits = limits_of(policy)
        self._awaited: dict[int, _Awaited] = {}

    def follow(self, policy: Policy) -> None:
        """For scans that are awaited from here on."""
        self._limits = limits_of(policy)

    def mounted(self, where: MountedAt, now: float) -> None:
        self._awaited[where.number] = _Awaited(where, now, now + self._limits.start)

    def began(self, number: int, used: int, now: float) -> None:
        """`used` bytes lie on it; a scan that is tried again has the time of the first."""
        awaited = self._awaited.get(number)
        if awaited is None or awaited.began:
            return
        awaited.began, awaited.used = True, used
        awaited.due = max(now, awaited.mounted + self._limits.to_end(used))

    def over(self, number: int) -> None:
        """It ended, however, or is not mounted any more."""
        self._awaited.pop(number, None)

    def overdue(self, now: float) -> Iterator[ScanLate]:
        """Those that became late; each is told once of its start and once of its end."""
        for awaited in self._awaited.values():
            if awaited.due is None or awaited.due > now:
                continue
            awaited.due = None
            limits = self._limits
            allowed = limits.to_end(awaited.used) if awaited.began else limits.start
            yield ScanLate(
                medium=awaited.where.medium,
                mount_point=awaited.where.mount_point,
                what="not_finished" if awaited.began else "not_started",
                allowed=round(allowed),
                used=awaited.used,
            )

    def deadline(self) -> float | None:
        return min((one.due for one in self._awaited.values() if one.due is not None), default=None)
