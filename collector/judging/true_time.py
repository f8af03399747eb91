"""The moment by which an observation's approvals are judged, whatever its clock says: pure.

Somebody with the rights of root can set an endpoint's clock back and so bring an approval
that has ended to life again, or forward, and begin one early.  But nothing happens after it
was received, and within one boot the monotonic clock (CLOCK_BOOTTIME, which nobody can set)
tells how much later than what was judged before it is.  What was kept for days while the
collector was away is still judged by its own time: only a clock that goes backwards is not
believed.  Over a reboot nobody knows how long the machine was off: there it is only never
earlier than what was judged before.
"""

import msgspec

from checks.wire import Observation
from collector.judging.records import EndpointRecord


def judged_moment(record: EndpointRecord, seen: Observation, received_us: int) -> int:
    """Microseconds since the epoch; `record` is the endpoint's before this observation."""
    passed_us = seen.monotonic_us - record.judged_monotonic_us if seen.boot == record.boot else 0
    earliest_us = record.judged_us + max(0, passed_us)
    return min(received_us, max(seen.at_us, earliest_us))


def judged_at(record: EndpointRecord, seen: Observation, moment_us: int) -> EndpointRecord:
    """The record after this observation was judged by this moment."""
    return msgspec.structs.replace(
        record, judged_us=moment_us, judged_monotonic_us=seen.monotonic_us
    )
