"""`wardwatch-agent scan PATH`: a mount or folder, as a medium would be scanned."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent.config import Settings
from agent.scan_claims import claimed
from agent.scan_command import InfectedFile, ScanReport, scan_path
from agent.scanner import scanner_of
from agent.speech import complain, say

_DIGITS = 8


def run(settings: Settings, path: Path, *, as_json: bool) -> int:
    """Exit status 0 clean, 3 infected, 1 when nobody can say, 2 for no folder."""
    scanner = scanner_of(settings.scanner)
    try:
        with claimed(settings.state):
            report = scan_path(path, scanner)
    except OSError as wrong:
        complain(f"{path}: {wrong.strerror}")
        return 2
    if as_json:
        say(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        say("\n".join(lines(report)))
    return report.exit_status


def lines(report: ScanReport) -> Iterator[str]:
    yield f"{report.verdict} {report.reason}".strip()
    yield f"{report.files} files, {report.bytes} bytes in {report.seconds} s"
    yield f"{report.engine or 'no engine'}, signatures {report.signatures or 'unknown'}"
    for infected in report.infected:
        yield f"infected: {infected.path}: {_found(infected)}"
    for skipped in report.skipped:
        yield f"skipped: {skipped.path}: {skipped.reason}"


def _found(infected: InfectedFile) -> str:
    """The signature; then what a case at the collector tells of the file, to find it there."""
    digits = f"SHA-256 {infected.sha256[:_DIGITS]}" if infected.sha256 else ""
    return " · ".join(filter(None, (infected.signature, digits, infected.engine)))
