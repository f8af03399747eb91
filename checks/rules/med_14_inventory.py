"""A registered medium was neither seen nor counted by the day of its inventory.

A medium that nobody has seen for that long may be lost, with what is on it.  The collector
looks each day; it counts when a medium was plugged in at any endpoint, given back, or
counted by hand.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.media_register import MediumOverdue
from checks.finding import Finding

OVERDUE = "Medium {number} of {owner} was not seen by its inventory on {inventory}"


@check(
    rule="MED-14",
    on=MediumOverdue,
    remedy=(
        "Ask its owner to show it. Mark it as counted, given back or lost in the media register."
    ),
)
def inventory(overdue: MediumOverdue, context: Context) -> Iterator[Finding]:
    entry = overdue.entry
    if entry.inventory is None or context.policy.day(context.at_us) <= entry.inventory:
        return
    yield Finding(
        subject=entry.number,
        message=OVERDUE,
        params={
            "number": entry.number,
            "owner": entry.owner or entry.department or "-",
            "department": entry.department or "-",
            "inventory": entry.inventory.isoformat(),
        },
        decided_by=f"media register {entry.number}",
    )
