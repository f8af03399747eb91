"""How long an approval may last, and what else is asked of it when a policy is applied.

Only where a person applies a policy or has it checked: a policy that was in force once stays
readable, whatever the limits have become since.
"""

from collections.abc import Iterator
from datetime import MAXYEAR, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from checks.facts.network import LinkKind
from checks.policy.allowlist import INTRANET, Approved, ApprovedDevice
from checks.policy.document import Policy
from checks.policy.error import PolicyError
from checks.policy.moments import begins_us, ends_us, last_moment, microseconds

MONTHS_MOST = 12
WAYS = (INTRANET, *get_args(LinkKind))
VENDOR_MOST = timedelta(hours=24)


def check_limits(policy: Policy, *, now_us: int) -> None:
    """Raises PolicyError with the entry and what was meant."""
    for place, wrong in _complaints(policy, now_us):
        raise PolicyError(f"{place}: {wrong}")


def _complaints(policy: Policy, now_us: int) -> Iterator[tuple[str, str]]:
    names: set[str] = set()
    limited: tuple[tuple[str, Approved | ApprovedDevice], ...] = (
        *((f"approved[{i}] ({entry.name})", entry) for i, entry in enumerate(policy.approved)),
        *((f"devices[{i}] ({entry.name})", entry) for i, entry in enumerate(policy.devices)),
    )
    for place, entry in limited:
        if not entry.name.strip() or entry.name in names:
            yield f"{place}.name", "every entry has a name of its own: verdicts are told by it"
        names.add(entry.name)
        if isinstance(entry, Approved) and entry.via not in ("", *WAYS):
            yield f"{place}.via", f"{entry.via!r} is no way; the ways are {', '.join(WAYS)}"
        if _same_person(entry.applicant, entry.approver):
            yield f"{place}.approver", "nobody approves what he applied for"
        if complaint := _lasts_too_long(entry, policy.zone_info, now_us):
            yield f"{place}.expires", complaint


def _same_person(applicant: str, approver: str) -> bool:
    """However they are written; nobody at all is nobody in particular."""
    return bool(applicant.strip()) and (applicant.strip().casefold() == approver.strip().casefold())


def _lasts_too_long(entry: Approved | ApprovedDevice, zone: ZoneInfo, now_us: int) -> str:
    """Empty when it may last so long, and for what forbids: that need not end."""
    if isinstance(entry, Approved) and not entry.allows:
        return ""
    end = ends_us(entry.expires, zone.key)
    if entry.starts and end < begins_us(entry.starts, zone.key):
        return f"it ends ({entry.expires}) before it begins ({entry.starts})"
    begin_us = begins_us(entry.starts, zone.key) if entry.starts else now_us
    begin = datetime.fromtimestamp(begin_us / 1_000_000, zone)
    counted = entry.starts or f"now, {begin:%Y-%m-%dT%H:%M}, for it has no starts"
    if isinstance(entry, Approved) and entry.vendor:
        if end - begin_us > VENDOR_MOST // timedelta(microseconds=1):
            return (
                f"{entry.expires} is too late: a vendor's access lasts 24 hours at most, counted "
                f"from {counted}; write a moment like {begin + VENDOR_MOST:%Y-%m-%dT%H:%M}"
            )
        return ""
    last_day = _a_year_after(begin).date().isoformat()
    if end > microseconds(last_moment(last_day, zone)):
        return (
            f"{entry.expires} is too late: an approval lasts {MONTHS_MOST} months at most, counted "
            f"from {counted}; its last day may be {last_day}"
        )
    return ""


def _a_year_after(begin: datetime) -> datetime:
    if begin.year == MAXYEAR:
        return begin
    try:
        return begin.replace(year=begin.year + 1)
    except ValueError:  # the 29th of February
        return begin.replace(year=begin.year + 1, day=28)
