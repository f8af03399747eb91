"""Which approvals end soon, and who is told before: pure.

A reminder's key is made of the entry's name and its end, so an approval is reminded of once,
and once more when it has been prolonged.  What was mailed stands in the journal, so neither
a restart nor a rebuild of the store mails it again.
"""

import hashlib
from collections.abc import Iterator
from typing import Literal

import msgspec

from checks.policy import Approved, ApprovedDevice, Policy
from checks.policy.limits import VENDOR_MOST
from checks.policy.moments import begins_us, ends_us
from checks.policy.paperwork import left_out
from collector.alerts.decide import REMINDER
from collector.clocks import microseconds_in
from collector.judging.records import Alert

ID_DIGITS = 32
"""Hexadecimal digits of a reminder's id: the length of the alerts' column for cases."""

ApprovalState = Literal["not_begun", "valid", "ending", "expired"]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """An approval and its end.  `state`: `ending` is valid, but reminded of by now."""

    entry: Approved | ApprovedDevice
    ends_us: int
    state: ApprovalState

    @property
    def left_out(self) -> tuple[str, ...]:
        """What its record does not say: keys of policy.toml."""
        return left_out(self.entry)

    @property
    def id(self) -> str:
        told = f"{self.entry.name}\0{self.ends_us}"
        return hashlib.sha256(told.encode("utf-8")).hexdigest()[:ID_DIGITS]


def endings(policy: Policy, now_us: int) -> Iterator[Ending]:
    """Every approval that ends, in the policy's order; what forbids is none."""
    zone = policy.zone_info.key
    every: tuple[Approved | ApprovedDevice, ...] = (*policy.approved, *policy.devices)
    for entry in every:
        if isinstance(entry, Approved) and not entry.allows:
            continue
        end_us = ends_us(entry.expires, zone)
        yield Ending(entry=entry, ends_us=end_us, state=_state(entry, end_us, policy, now_us))


def due(policy: Policy, now_us: int) -> Iterator[Alert]:
    """The reminders that should have left by now; none for what has ended already."""
    for ending in endings(policy, now_us):
        recipients = recipients_of(ending.entry, policy)
        if ending.state == "ending" and recipients:
            yield Alert(
                key=f"{REMINDER}:{ending.id}",
                case=ending.id,
                occasion=REMINDER,
                recipients=recipients,
            )


def ending_of(reminder: str, policy: Policy, now_us: int) -> Ending | None:
    """The approval of a reminder's id; None when it has ended, was taken away or prolonged."""
    found = (ending for ending in endings(policy, now_us) if ending.id == reminder)
    return next((ending for ending in found if ending.state == "ending"), None)


def recipients_of(entry: Approved | ApprovedDevice, policy: Policy) -> tuple[str, ...]:
    """Its contact; without one, the recipients of every department's mail."""
    if entry.contact:
        return (entry.contact,)
    everywhere = [r.address for r in policy.mail.recipients if not r.departments]
    named = everywhere or [recipient.address for recipient in policy.mail.recipients]
    return tuple(dict.fromkeys(named))


def _state(
    entry: Approved | ApprovedDevice, end_us: int, policy: Policy, now_us: int
) -> ApprovalState:
    if now_us > end_us:
        return "expired"
    if now_us >= end_us - _lead_us(entry, end_us, policy):
        return "ending"
    begin_us = begins_us(entry.starts, policy.zone_info.key)
    return "not_begun" if now_us < begin_us else "valid"


def _lead_us(entry: Approved | ApprovedDevice, end_us: int, policy: Policy) -> int:
    """How long before the end: never more than half of the time it holds, or a vendor's
    access of a day would be reminded of before it begins.
    """
    lead_us = microseconds_in(policy.duration("approval_reminder"))
    if entry.starts:
        return min(lead_us, (end_us - begins_us(entry.starts, policy.zone_info.key)) // 2)
    if isinstance(entry, Approved) and entry.vendor:
        return min(lead_us, microseconds_in(VENDOR_MOST) // 2)
    return lead_us
