"""Files are written to a medium that is not meant for it, or a great many to any medium.

What leaves the ward on a stick leaves it unseen.  The register says what may be done with each
medium; where it says reading only, one file is too many.  What an unregistered medium is given is
MED-01's business until it is much: then it is told here as well, with how many files, bytes and
which types, and who wrote them.

A file counts once while the medium is plugged in, however often it is saved.  What desktops write
of their own accord (the notes of a waste bin, the window's settings) counts for nothing.  At an
import station much is written every day: there only reading-only media are told.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.base import Process
from checks.facts.copying import MediumWritten
from checks.facts.media_register import MediumStanding
from checks.finding import Finding
from checks.register import entry_of
from checks.stations import is_station
from checks.wording import medium_params, process_name

READ_ONLY = (
    "{files} file(s), {size} MB ({types}), were written to {medium}, which is registered for "
    "reading only (register number {number}), mostly by {process} ({user})"
)
MUCH = (
    "{files} file(s), {size} MB ({types}), were written to {medium}, mostly by {process} ({user})"
)
_MB = 1_000_000
_TYPES_NAMED = 4


@check(
    rule="MED-08",
    on=MediumWritten,
    uses=(MediumStanding,),
    remedy=(
        "Ask who wrote what for whom. Have the medium brought to the computer centre, and the files "
        "deleted from it if they were not to leave."
    ),
)
def copied_out(written: MediumWritten, context: Context) -> Iterator[Finding]:
    if not written.files:
        return
    entry = entry_of(written.medium, context)
    if entry is not None and entry.access == "read_only":
        yield Finding(
            subject=written.medium.key,
            message=READ_ONLY,
            params={**_params(written), "number": entry.number},
            decided_by=f"media register {entry.number}",
        )
        return
    passed = _passed(written, context)
    if passed and not is_station(context):
        yield Finding(
            subject=written.medium.key,
            message=MUCH,
            params=_params(written),
            decided_by=f"thresholds.{passed}",
        )


def _passed(written: MediumWritten, context: Context) -> str:
    """The threshold that was passed, with its value; empty when none was."""
    thresholds = context.policy.thresholds
    if written.files > thresholds.written_files:
        return f"written_files {thresholds.written_files}"
    if written.bytes > thresholds.written_bytes:
        return f"written_bytes {thresholds.written_bytes}"
    return ""


def _params(written: MediumWritten) -> dict[str, str]:
    """medium, serial, medium_kind, files, size, types, process, user."""
    most = max(written.writers, key=lambda writer: writer.files, default=None)
    process = most.process if most else None
    return {
        **medium_params(written.medium),
        "files": str(written.files),
        "size": f"{written.bytes / _MB:.1f}",
        "types": _types(written),
        "process": process_name(process) if process else "?",
        "user": process.user if isinstance(process, Process) else "-",
    }


def _types(written: MediumWritten) -> str:
    """The most frequent ones with their numbers, `dcm 40, pdf 3`."""
    ranked = sorted(written.types.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{kind or '-'} {count}" for kind, count in ranked[:_TYPES_NAMED]]
    return ", ".join([*named, *(["…"] if len(ranked) > _TYPES_NAMED else [])])
