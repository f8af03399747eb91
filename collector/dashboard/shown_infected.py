"""Infected files in words: which ones, and who can say where they lie."""

from collections.abc import Iterator, Sequence

from checks.facts.media import Infection
from checks.facts.quarantine import QuarantinedFile
from collector.dashboard.lines import Line, Lines
from collector.dashboard.wording import Words

SHOWN = 10
DIGITS = 8
"""So many of a hash are shown: enough to tell the files of a medium apart."""
WHERE_PATHS_ARE = (
    "file names stay at the endpoint: there `wardwatch-agent scan FOLDER` shows the paths, and "
    "`wardwatch-agent quarantine list` those of moved files"
)


def infections(found: Sequence[Infection], words: Words) -> Lines:
    say = words.says.gettext
    for one in found[:SHOWN]:
        told = " · ".join((*what(one, words), *filter(None, (one.engine,))))
        yield Line(label=say("Malware"), text=told, mono=True)
    rest = len(found) - SHOWN
    if rest > 0:
        yield Line(label=say("Malware"), text=f"+ {rest}")
    yield from paths(found, words)


def what(one: Infection | QuarantinedFile, words: Words) -> Iterator[str]:
    """The signature; the file's name, or what tells it from others where that did not travel."""
    say = words.says.format
    yield one.signature
    if one.file_name or one.suffix:
        yield one.file_name or f".{one.suffix}"
    if one.sha256:
        yield f"SHA-256 {one.sha256[:DIGITS]}"
    if one.file_hash and not one.file_name:
        yield say("mark of the path {digits}", {"digits": one.file_hash[:DIGITS]})


def paths(files: Sequence[Infection] | Sequence[QuarantinedFile], words: Words) -> Lines:
    """Where the paths can be looked up, when some did not travel."""
    if any(not one.file_name for one in files):
        yield Line(label=words.says.gettext("Paths"), text=words.says.gettext(WHERE_PATHS_ARE))
