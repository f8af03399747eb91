"""The endpoint is not protected: no anti-virus, or it was stopped, or does not watch.

No program of the policy's table is installed; or one is, and does not run; or it runs, and the
part of it that looks at files as they are used does not.  Where that part was never set up, as
in ClamAV as it comes, the program is judged by whether it runs, unless the policy says
`antivirus.real_time`.  One program that runs and watches is enough, whatever others are there.
A program that was away for a moment (an update restarts it) is not reported:
`thresholds.protection_patience`.

Endpoints that the policy exempts, because the maker of the device allows no such program, are
not judged.  That an engine was missing when a medium arrived is MED-06.
"""

from collections.abc import Iterator

from checks.check import Context, check
from checks.facts.antivirus import AntivirusState, Product
from checks.finding import Finding
from checks.subjects import names_endpoint

SUBJECT = "protection"
ABSENT = "no anti-virus program that the policy knows is installed on this machine"
STOPPED = "the anti-virus program does not run: {product}"
NOT_GUARDING = "the real-time protection is off: {product}"


@check(
    rule="AV-01",
    on=AntivirusState,
    remedy=(
        "Have it installed, or started and its real-time protection switched on, and find out "
        "who stopped it. Until then no outside medium belongs into this machine."
    ),
)
def protection_missing(fact: AntivirusState, context: Context) -> Iterator[Finding]:
    exempt = context.policy.antivirus.exempt
    if any(names_endpoint(subject, context.endpoint) for subject in exempt):
        return
    if any(_protects(each, context) for each in fact.products):
        return
    if not fact.products:
        yield Finding(subject=SUBJECT, message=ABSENT)
        return
    running = [each.product for each in fact.products if each.running]
    named = running or [each.product for each in fact.products]
    yield Finding(
        subject=SUBJECT,
        message=NOT_GUARDING if running else STOPPED,
        params={"product": ", ".join(named)},
    )


def _protects(product: Product, context: Context) -> bool:
    guard_wanted = product.guard_set_up or context.policy.antivirus.real_time
    return product.running and (product.guarding or not guard_wanted)
