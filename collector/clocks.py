"""When a case's clocks run out: policy durations in the hospital's own working days."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import msgspec

from checks.policy import Policy, deadline

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime.fromtimestamp(0, UTC)


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds since the epoch; 0 is a clock that does not run."""

    acknowledge_us: int = 0
    contain_us: int = 0
    close_us: int = 0


def local_time(at_us: int, timezone: str) -> datetime:
    """A moment on the clock on the hospital's wall."""
    return (EPOCH + timedelta(microseconds=at_us)).astimezone(_zone(timezone))


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def microseconds_in(span: timedelta) -> int:
    return span // MICROSECOND


def deadlines_of(policy: Policy, rule: str, grade: str, start_us: int) -> Deadlines:
    """The clocks of the rule, or of its grade, started at this moment."""
    settings = policy.settings(rule, grade)
    start = local_time(start_us, policy.hospital.timezone)
    return Deadlines(
        acknowledge_us=_runs_out(start, settings.acknowledge),
        contain_us=_runs_out(start, settings.contain),
        close_us=_runs_out(start, settings.close),
    )


def _runs_out(start: datetime, clock: str) -> int:
    end = deadline(start, clock)
    return 0 if end is None else microseconds(end)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
