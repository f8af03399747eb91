"""Malware was found on a removable medium.

The engine named at least one file of the medium.  The medium must not be used anywhere
before it was cleaned, and every machine that it visited since its last clean scan must be
looked at.

The case names the other endpoints where it was used since a full scan last found it clean, or
ever where there is none. No receipt made before counts any longer.
"""

from collections.abc import Iterator, Mapping, Sequence

from checks.check import Context, check
from checks.facts.media import MediumScanned
from checks.facts.media_register import MediumStanding, Whereabouts
from checks.finding import Finding
from checks.register import visited_since_clean
from checks.wording import medium_params

FOUND = "{engine} found {signatures} in {files} file(s) on {medium}"
SPREAD = (
    "{engine} found {signatures} in {files} file(s) on {medium}; since its last clean scan it was "
    "also used at {spread}"
)


@check(
    rule="MED-05",
    on=MediumScanned,
    uses=(MediumStanding,),
    remedy=(
        "Keep the medium and do not put it into another machine. Scan this machine completely. "
        "Find out where the medium was before."
    ),
)
def infected(scanned: MediumScanned, context: Context) -> Iterator[Finding]:
    if scanned.verdict != "infected":
        return
    names = sorted({infection.signature for infection in scanned.infections})
    spread = visited_since_clean(scanned.medium, context)
    yield Finding(
        subject=scanned.medium.key,
        message=SPREAD if spread else FOUND,
        params={
            **medium_params(scanned.medium),
            "engine": scanned.engine,
            "signatures": ", ".join(names) or "?",
            "files": str(len(scanned.infections)),
            **_visited(spread),
        },
    )


def _visited(spread: Sequence[Whereabouts]) -> Mapping[str, str]:
    """spread; nothing where it was nowhere else."""
    if not spread:
        return {}
    return {"spread": ", ".join(place.name or place.endpoint for place in spread)}
