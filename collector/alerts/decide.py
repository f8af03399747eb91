"""Which change of a case is worth a mail, and to whom: pure.

An alert's key is made of the case and the occasion, so deciding twice is sending once.
"""

from collections.abc import Sequence
from enum import StrEnum

from checks.policy import Endpoint, Policy, Recipient
from collector.cases import Case
from collector.judging.records import Alert


class Occasion(StrEnum):
    FIRST = "first"
    RAISED = "raised"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    CHANGED = "changed"
    """A person moved the case: told to machines, never mailed."""


DIGEST = "digest"
"""The occasion of a mail about a day instead of a case."""
REMINDER = "reminder"
"""The occasion of a mail about an approval that ends."""
REPORT = "report"
"""The occasion of a mail with the report of a period."""
WEEKLY = "weekly"
"""The occasion of the mail by which people know that mail reaches them."""
TRIAL = "trial"
"""The occasion of a mail by which somebody tried whether mails arrive."""
WITHOUT_CASE = (DIGEST, REMINDER, REPORT, WEEKLY, TRIAL)


def alert_for(
    case: Case,
    occasion: Occasion,
    policy: Policy,
    endpoint: Endpoint,
    *,
    on_duty: Sequence[str] = (),
) -> Alert | None:
    """The mail that this change asks for; None where nobody shall be mailed.

    Nobody is when the rule has no `mail` clock, when the endpoint's zone only observes,
    or when no recipient wants this severity and department.  `on_duty` are the addresses of
    those who are on duty now.
    """
    if not is_told(case, policy, endpoint):
        return None
    wanting = (recipient for recipient in policy.mail.recipients if _wants(recipient, case))
    recipients = tuple(
        address for one in wanting for address in reached((one.address,), on_duty, duty=one.duty)
    )
    if not recipients:
        return None
    return Alert(
        key=_key(case, occasion),
        case=case.id,
        occasion=str(occasion),
        recipients=tuple(dict.fromkeys(recipients)),
    )


def is_told(case: Case, policy: Policy, endpoint: Endpoint) -> bool:
    """Whether anybody outside may be alerted to the case, by mail or by a channel: not when the
    rule has no `mail` clock, and not when the endpoint's zone only observes.
    """
    return bool(policy.settings(case.rule).mail) and policy.mode_for(endpoint) != "observe"


def digest_alert(day: str, policy: Policy) -> Alert | None:
    """The one mail about a day's unanswered attempts, to all who want the digest; None
    when nobody does.  Its case is the day, `YYYY-MM-DD`.
    """
    wanting = (recipient.address for recipient in policy.mail.recipients if recipient.digest)
    recipients = tuple(dict.fromkeys(wanting))
    if not recipients:
        return None
    return Alert(key=f"{DIGEST}:{day}", case=day, occasion=DIGEST, recipients=recipients)


def reached(named: Sequence[str], on_duty: Sequence[str], *, duty: bool) -> Sequence[str]:
    """Whoever is on duty where he is meant; in a gap of the roster those who are named."""
    return on_duty if duty and on_duty else named


def is_overdue(case: Case, now_us: int) -> bool:
    """Whether nobody acknowledged the case although its clock has run out."""
    waits = case.state == "awaiting_acknowledgement"
    return waits and 0 < case.acknowledge_due_us < now_us


def _wants(recipient: Recipient, case: Case) -> bool:
    grave_enough = case.severity.rank <= recipient.severity.rank
    return grave_enough and (not recipient.departments or case.department in recipient.departments)


def _key(case: Case, occasion: Occasion) -> str:
    """A severity is reached once: `CASE:raised:critical`."""
    if occasion is Occasion.RAISED:
        return f"{case.id}:{occasion}:{case.severity}"
    return f"{case.id}:{occasion}"
