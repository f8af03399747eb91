"""The scan of a medium did not start in time, or takes too long.

Who waits too long for a scan goes round it.  A scan must start soon after the medium was
mounted, and end within a time that depends on how much lies on it.  A slow medium, a busy machine
or an engine that hangs are the usual reasons; where no engine answers at all, MED-06 says so.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.scan_late import ScanLate
from checks.finding import Finding
from checks.wording import medium_params

NOT_STARTED = "the scan of {medium} did not start within {allowed} seconds"
NOT_FINISHED = "the scan of {medium} ({used} MB) did not end within {allowed} seconds"
_MB = 1_000_000


@check(
    rule="MED-04",
    on=ScanLate,
    remedy=(
        "Ask the user to wait for the scan. If it happens again, look at the engine on this "
        "machine: whether it hangs, and what it is busy with."
    ),
)
def scan_overdue(late: ScanLate, context: Context) -> Iterator[Finding]:
    thresholds = context.policy.thresholds
    started = late.what == "not_finished"
    yield Finding(
        subject=late.medium.key,
        message=NOT_FINISHED if started else NOT_STARTED,
        params={
            **medium_params(late.medium),
            "allowed": str(late.allowed),
            "used": str(late.used // _MB),
        },
        decided_by=(
            f"thresholds.scan_ends_within {thresholds.scan_ends_within}"
            if started
            else f"thresholds.scan_starts_within {thresholds.scan_starts_within}"
        ),
    )
