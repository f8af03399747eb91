"""Malware was found on a removable medium.

The engine named at least one file of the medium.  The medium must not be used anywhere
before it was cleaned, and every machine that it visited since its last clean scan must be
looked at.

The case names the other endpoints where it was used since a full scan last found it clean, or
ever where there is none. No receipt made before counts any longer.

Where the policy wants infected files moved (`scanning.quarantine`), the case tells what became of
each.
"""

from collections.abc import Iterator, Mapping, Sequence

from checks.check import Context, check
from checks.facts.media import MediumScanned
from checks.facts.media_register import MediumStanding, Whereabouts
from checks.facts.quarantine import FilesQuarantined
from checks.finding import Finding
from checks.register import visited_since_clean
from checks.wording import medium_params

FOUND = "{engine} found {signatures} in {files} file(s) on {medium}"
SPREAD = (
    "{engine} found {signatures} in {files} file(s) on {medium}; since its last clean scan it was "
    "also used at {spread}"
)

MOVED = "{moved} of {files} infected file(s) on {medium} were moved into the machine's quarantine"


@check(
    rule="MED-05",
    on=(MediumScanned, FilesQuarantined),
    uses=(MediumStanding,),
    remedy=(
        "Keep the medium and do not put it into another machine. Scan this machine completely. "
        "Find out where the medium was before."
    ),
)
def infected(fact: MediumScanned | FilesQuarantined, context: Context) -> Iterator[Finding]:
    if isinstance(fact, FilesQuarantined):
        yield _moved(fact)
    elif fact.verdict == "infected":
        yield _found(fact, context)


def _found(scanned: MediumScanned, context: Context) -> Finding:
    names = sorted({infection.signature for infection in scanned.infections})
    spread = visited_since_clean(scanned.medium, context)
    return Finding(
        subject=scanned.medium.key,
        message=SPREAD if spread else FOUND,
        params={
            **medium_params(scanned.medium),
            "engine": _engines(scanned),
            "signatures": ", ".join(names) or "?",
            "files": str(len(scanned.infections)),
            **_visited(spread),
        },
    )


def _engines(scanned: MediumScanned) -> str:
    """Those that found something; where one alone was asked, that one."""
    finders = sorted({infection.engine for infection in scanned.infections})
    return ", ".join(finders) if all(finders) and finders else scanned.engine


def _moved(fact: FilesQuarantined) -> Finding:
    moved = [one for one in fact.files if one.end == "moved"]
    return Finding(
        subject=fact.medium.key,
        message=MOVED,
        params={
            **medium_params(fact.medium),
            "moved": str(len(moved)),
            "files": str(len(fact.files)),
        },
    )


def _visited(spread: Sequence[Whereabouts]) -> Mapping[str, str]:
    """spread; nothing where it was nowhere else."""
    if not spread:
        return {}
    return {"spread": ", ".join(place.name or place.endpoint for place in spread)}
