"""Malware was found on a removable medium.

The engine named at least one file of the medium.  The medium must not be used anywhere
before it was cleaned, and every machine that it visited since its last clean scan must be
looked at.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.media import MediumScanned
from checks.finding import Finding
from checks.wording import medium_params


@check(
    rule="MED-05",
    on=MediumScanned,
    remedy=(
        "Keep the medium and do not put it into another machine. Scan this machine completely. "
        "Find out where the medium was before."
    ),
)
def infected(scanned: MediumScanned, context: Context) -> Iterator[Finding]:
    del context  # what an engine finds is judged alike everywhere
    if scanned.verdict != "infected":
        return
    names = sorted({infection.signature for infection in scanned.infections})
    yield Finding(
        subject=scanned.medium.key,
        message="{engine} found {signatures} in {files} file(s) on {medium}",
        params={
            **medium_params(scanned.medium),
            "engine": scanned.engine,
            "signatures": ", ".join(names) or "?",
            "files": str(len(scanned.infections)),
        },
    )
