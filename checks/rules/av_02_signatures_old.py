"""The signatures of the endpoint's anti-virus are out of date.

An anti-virus program of this machine runs with signatures that are older than the policy
allows: `thresholds.signatures_due`; older than `thresholds.signatures_max_age` is grave.  The
date is that of the signatures themselves, or of their newest file where they tell none.  Where
nobody can tell, the answer is unknown; so it is for `thresholds.signatures_patience` after the
agent first saw that date: after the holidays 3,000 machines wake with old signatures, and
fetch new ones within minutes.

This is about the machine, whether or not a medium is ever put in, and is reported once while it
lasts.  MED-06 is about a medium that such an engine scanned: its scan does not count.  One
does not stand for the other: updating the signatures settles this, and leaves that medium
unscanned; and an engine on another machine, which scans for this one, is only MED-06's.
"""

from collections.abc import Iterator

from checks.check import CannotTell, Context, check
from checks.facts.antivirus import AntivirusState, Product
from checks.finding import Finding
from checks.subjects import names_endpoint

DAY_US = 24 * 3600 * 1_000_000
OLD = "the signatures of {product} are {days} days old"
TOO_EARLY = "the signatures are old, and there was no time yet to fetch new ones"
LIMITS = {"expired": "signatures_max_age", "": "signatures_due"}
"""The threshold of each grade, the gravest first."""


@check(
    rule="AV-02",
    on=AntivirusState,
    remedy=(
        "Find out why updates do not arrive (server, network, licence) and bring the signatures "
        "up to date."
    ),
)
def signatures_old(fact: AntivirusState, context: Context) -> Iterator[Finding]:
    exempt = context.policy.antivirus.exempt
    if any(names_endpoint(subject, context.endpoint) for subject in exempt):
        return
    running = [each for each in fact.products if each.running]
    dated = [each for each in running if each.signatures_at_us]
    if running and not dated:
        raise CannotTell("nobody knows how old the signatures are")
    for product in dated:
        yield from _judged(product, context)


def _judged(product: Product, context: Context) -> Iterator[Finding]:
    age_us = context.at_us - product.signatures_at_us
    for grade, threshold in LIMITS.items():
        if age_us > context.policy.duration(threshold).total_seconds() * 1_000_000:
            if _may_still_fetch(product, context):
                raise CannotTell(TOO_EARLY)
            yield Finding(
                subject=product.product,
                message=OLD,
                params={"product": product.product, "days": str(age_us // DAY_US)},
                grade=grade,
                decided_by=f"thresholds.{threshold} {getattr(context.policy.thresholds, threshold)}",
            )
            return


def _may_still_fetch(product: Product, context: Context) -> bool:
    patience_us = context.policy.duration("signatures_patience").total_seconds() * 1_000_000
    return context.at_us - product.signatures_seen_us < patience_us
