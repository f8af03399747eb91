"""The quiet mail once a week, by which people know that mail reaches them: when, pure.

Its key is made of the day on which it is due, so it leaves once.  A collector that was down sends
the last one when it is back.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from checks.policy import Policy
from checks.policy.schedule import DAYS
from collector.alerts.decide import WEEKLY
from collector.clocks import local_time, microseconds
from collector.judging.records import Alert
from collector.reports.period import Period

WEEK = timedelta(days=7)


def due_weekly(policy: Policy, now_us: int) -> Alert | None:
    """The newest that should have left by now; None where nobody is to get one."""
    wanting = [one.address for one in policy.mail.recipients if one.weekly and not one.departments]
    if not policy.mail.weekly_at or not wanting:
        return None
    day = _last_due(policy, now_us).date().isoformat()
    recipients = tuple(dict.fromkeys(wanting))
    return Alert(key=f"{WEEKLY}:{day}", case=day, occasion=WEEKLY, recipients=recipients)


def week_before(day: str, policy: Policy) -> Period:
    """The week that ends when the mail of this day (`YYYY-MM-DD`) is due; of a policy without
    such mails, with the day.
    """
    at = policy.mail.weekly_at.split()[-1:] or ["00:00"]
    zone = ZoneInfo(policy.hospital.timezone)
    end = datetime.combine(datetime.fromisoformat(day), time.fromisoformat(at[0]), tzinfo=zone)
    begin = end - WEEK
    return Period(
        name=f"{begin.date()}..{end.date()}",
        first=begin.date(),
        last=end.date(),
        from_us=microseconds(begin),
        to_us=microseconds(end),
    )


def _last_due(policy: Policy, now_us: int) -> datetime:
    weekday, at = policy.mail.weekly_at.split()
    now = local_time(now_us, policy.hospital.timezone)
    day = now.date() - timedelta(days=(now.weekday() - DAYS.index(weekday)) % len(DAYS))
    due = datetime.combine(day, time.fromisoformat(at), tzinfo=now.tzinfo)
    return due if due <= now else due - WEEK
