"""Used before it was scanned: a file was opened before a clean, complete scan had ended.

The regulation says it literally: every medium that enters the network is scanned first.  The
first access to a file of the medium came while no scan had ended well: none had begun, it was
still running, it was incomplete, no engine was there, or it had found something.  What was read
before the medium was watched is told without the process: nobody saw it.  The reads
of the scanner itself are not counted, and neither is looking at a folder's list.

Where media are held, a medium that somebody had released in an emergency, before it was known
to be clean, counts as used before its scan; who did so and why is to be reviewed.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.base import Process, UnknownProcess
from checks.facts.holding import MediumHeld
from checks.facts.media import MediumAccessed
from checks.finding import Finding
from checks.wording import medium_params, process_name


@check(
    rule="MED-03",
    on=(MediumAccessed, MediumHeld),
    remedy=(
        "Tell the user to close the file and wait for the scan. If the scan finds something, "
        "scan the whole machine."
    ),
)
def used_before_scan(fact: MediumAccessed | MediumHeld, context: Context) -> Iterator[Finding]:
    del context  # the fact says it all: there is no approval for using a medium unscanned
    if isinstance(fact, MediumHeld):
        yield from _released_in_an_emergency(fact)
    else:
        yield from _opened_too_soon(fact)


def _released_in_an_emergency(held: MediumHeld) -> Iterator[Finding]:
    if held.action != "released" or held.ground != "emergency":
        return
    yield Finding(
        subject=held.medium.key,
        grade="emergency",
        message="{name} released {medium} unscanned, by the account {actor}: {reason}",
        params={
            **medium_params(held.medium),
            "name": held.name,
            "actor": held.actor,
            "reason": held.reason,
        },
    )


def _opened_too_soon(accessed: MediumAccessed) -> Iterator[Finding]:
    if accessed.scan == "clean":
        return
    if _was_before_the_watch(accessed.process):
        yield Finding(
            subject=accessed.medium.key,
            message="a file on {medium} was read before the watch of it began, so before its scan",
            params=medium_params(accessed.medium),
        )
        return
    yield Finding(
        subject=accessed.medium.key,
        message="{process} did {operation} a file on {medium} while its scan was {scan}",
        params={
            **medium_params(accessed.medium),
            "process": process_name(accessed.process),
            "operation": accessed.operation,
            "scan": accessed.scan,
        },
    )


def _was_before_the_watch(process: Process | UnknownProcess) -> bool:
    return isinstance(process, UnknownProcess) and process.why == "before_watch"
