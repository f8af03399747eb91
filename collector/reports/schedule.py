"""Which reports are mailed when: pure.

Of each kind the newest period that is over; its key is made of its name, so it leaves once.  A
collector that was down sends what became due meanwhile when it is back, of days only the last.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from checks.policy import Policy, ReportEvery
from collector.alerts.decide import REPORT
from collector.clocks import microseconds
from collector.judging.records import Alert
from collector.reports.period import Period, choices

_WORDS: Mapping[ReportEvery, str] = {
    "day": "yesterday",
    "week": "last_week",
    "month": "last_month",
}


def due_reports(policy: Policy, now_us: int) -> Iterator[Alert]:
    """Of what somebody wants and whose time has come; the alert's case is the period's name."""
    over = {each.word: each.period for each in choices(now_us, policy.hospital.timezone)}
    for every, word in _WORDS.items():
        wanting = [one.address for one in policy.mail.recipients if every in one.reports]
        if wanting and leaves_us(over[word], policy) <= now_us:
            yield Alert(
                key=f"{REPORT}:{over[word].name}",
                case=over[word].name,
                occasion=REPORT,
                recipients=tuple(dict.fromkeys(wanting)),
            )


def leaves_us(period: Period, policy: Policy) -> int:
    """Microseconds since the epoch: `reports_at` on the day after its last."""
    at = time.fromisoformat(policy.mail.reports_at)
    zone = ZoneInfo(policy.hospital.timezone)
    return microseconds(datetime.combine(period.last + timedelta(days=1), at, tzinfo=zone))
