"""Lost: an endpoint is no longer heard, although it may be alive.

More than the allowed number of heartbeats is missing and the endpoint did not say goodbye.
If another machine of the segment still sees its address, the computer runs and its agent
does not: somebody may have killed it.  Without a witness it may only be switched off or
unplugged: that is a notice first, and of medium weight when it lasts for days.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.health import EndpointSilent
from checks.finding import Finding

MICROSECONDS = 1_000_000
WITNESSED = "nothing was heard for {minutes} minutes, but {witnesses} saw the machine alive"
UNWITNESSED = "nothing was heard for {minutes} minutes; no other machine saw it either"


@check(
    rule="EXT-12",
    on=EndpointSilent,
    remedy=(
        "Phone the ward. If the machine is running, have the service looked at on the spot; if "
        "it was put away, note that in the register."
    ),
)
def lost(silent: EndpointSilent, context: Context) -> Iterator[Finding]:
    if silent.announced:
        return
    minutes = {"minutes": str(silent.silent_for_us // (60 * MICROSECONDS))}
    if silent.witnesses:
        yield Finding(
            subject=silent.endpoint,
            message=WITNESSED,
            params={**minutes, "witnesses": ", ".join(silent.witnesses)},
        )
        return
    policy, silent_s = context.policy, silent.silent_for_us / MICROSECONDS
    if silent_s >= policy.duration("silence_notice").total_seconds():
        long = silent_s >= policy.duration("silence_escalates").total_seconds()
        yield Finding(
            subject=silent.endpoint,
            message=UNWITNESSED,
            params=minutes,
            grade="long_unwitnessed" if long else "unwitnessed",
        )
