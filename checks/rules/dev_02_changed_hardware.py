"""The machine is made of other parts: disk, memory, board or chassis changed.

The agent remembers what the firmware tells of board, chassis and system, how much memory there
is and which disks are built in, across restarts.  The first start after the installation only
takes note.  What was not known on both sides is not compared, and memory counts from a share
on: `thresholds.memory_tolerance_percent`.

Removable media and disks over a network are never hardware; a new network card is DEV-01.  When
the board is another and nothing else is the same either, the system was moved or copied into
another machine, and that is said instead of its parts.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.hardware import HardwareChanged, PartChange
from checks.finding import Finding

WHOLE = "machine"
ANOTHER_MACHINE = "the system of this endpoint runs in another machine: {after} instead of {before}"
ADDED = "{part} added: {after}"
REMOVED = "{part} removed: {before}"
REPLACED = "{part} changed: {after} instead of {before}"


@check(
    rule="DEV-02",
    on=HardwareChanged,
    remedy=(
        "Compare with the maintenance records. If nobody ordered it, look at the machine, and "
        "find out where a disk that is missing has gone: it may hold patients' data."
    ),
)
def changed_hardware(fact: HardwareChanged, _context: Context) -> Iterator[Finding]:
    if fact.another_machine:
        told = [change for change in fact.changes if change.before and change.after][:1]
        yield from (_finding(change, WHOLE, ANOTHER_MACHINE) for change in told)
        return
    for change in fact.changes:
        subject = (change.before or change.after) if change.part == "disk" else change.part
        yield _finding(change, subject, _message(change))


def _message(change: PartChange) -> str:
    if not change.before:
        return ADDED
    return REPLACED if change.after else REMOVED


def _finding(change: PartChange, subject: str, message: str) -> Finding:
    return Finding(
        subject=subject,
        message=message,
        params={"part": change.part, "before": change.before, "after": change.after},
    )
