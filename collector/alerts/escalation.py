"""Who is mailed when nobody acknowledges a case, and when: pure.

值班 → 安全管理员 → 计算机中心负责人 → 分管院领导, as `[[mail.escalation]]` of the policy says.  Each
step leaves once for a case: its key is made of the case and the step's name, so that a chain
which is changed meanwhile neither repeats a step nor leaves a new one out.  Without a chain those
who were told first are told once more.
"""

import hashlib
from collections.abc import Iterator, Sequence

from checks.policy import Endpoint, EscalationStep, Policy, deadline
from collector.alerts.decide import Occasion, alert_for, is_told, reached
from collector.cases import Case
from collector.clocks import local_time, microseconds
from collector.judging.records import Alert

PRESSING = (Occasion.OVERDUE, Occasion.ESCALATED)
"""Occasions of mails that nobody needs once the case is acknowledged."""
_DIGITS = 8


def key_after(step: EscalationStep, policy: Policy) -> str:
    """What follows the case's id in the key of this step's mail; the first is the overdue one."""
    if step.name == policy.mail.escalation[0].name:
        return f":{Occasion.OVERDUE}"
    return f":{Occasion.ESCALATED}:{step.name}"


def step_named(key: str) -> str:
    """The step in the key of an alert, empty for other alerts."""
    _, occasion, name = (*key.split(":", 2), "", "")[:3]
    return name if occasion == Occasion.ESCALATED else ""


def step_mark(step: str) -> str:
    """A step's name as a Message-ID takes it."""
    return hashlib.sha256(step.encode("utf-8")).hexdigest()[:_DIGITS]


def due_us(case: Case, step: EscalationStep, policy: Policy) -> int:
    """When the step leaves, unless somebody has acknowledged before."""
    if step.leaves_at_once:
        return case.acknowledge_due_us
    start = local_time(case.acknowledge_due_us, policy.hospital.timezone)
    end = deadline(start, step.after)
    return microseconds(end) if end else 0


def alert_of_step(  # noqa: PLR0913 - what a step is decided by, by name
    case: Case,
    step: EscalationStep,
    policy: Policy,
    endpoint: Endpoint,
    *,
    now_us: int,
    on_duty: Sequence[str] = (),
) -> Alert | None:
    """None before its time, for a milder case, and where nobody is mailed at all."""
    wanted = case.severity.rank <= step.severity.rank and is_told(case, policy, endpoint)
    if not wanted or due_us(case, step, policy) >= now_us:
        return None
    first = step.name == policy.mail.escalation[0].name
    return Alert(
        key=case.id + key_after(step, policy),
        case=case.id,
        occasion=str(Occasion.OVERDUE if first else Occasion.ESCALATED),
        recipients=tuple(dict.fromkeys(reached(step.addresses, on_duty, duty=step.duty))),
    )


def alert_without_chain(
    case: Case, policy: Policy, endpoint: Endpoint, on_duty: Sequence[str] = ()
) -> Alert | None:
    """To those who were told first."""
    return alert_for(case, Occasion.OVERDUE, policy, endpoint, on_duty=on_duty)


def told_before(step: str, policy: Policy) -> Sequence[str]:
    """Names of the steps before this one, as the chain stands now."""
    return tuple(_until(step, policy))


def _until(step: str, policy: Policy) -> Iterator[str]:
    names = [each.name for each in policy.mail.escalation]
    if step in names:
        yield from names[: names.index(step)]
