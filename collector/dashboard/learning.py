"""What the allow-list would need, for the officer to accept or reject; and the days' digests."""

import re
from datetime import date, timedelta
from http import HTTPStatus

from starlette.responses import Response

from checks.policy import PolicyError
from collector.alerts.digest_mail import digest_line
from collector.clocks import local_time
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.policies import PolicyChanged
from collector.proposals import ENDLESS, OTHER_PORT, Acceptance, ProposalRefused, accept, reject
from collector.queries.digests import newest_digests
from collector.queries.overview import endpoint_names
from collector.queries.proposals import proposals

DAYS_SHOWN = 14
MEANWHILE = (
    "Somebody has just applied another policy (version {newest}, {actor}). Nothing was changed; "
    "please accept the proposal again."
)
_PORT = re.compile("[0-9]{1,5}")
USUAL_END = timedelta(days=180)


def show(visit: Visit) -> Response:
    return _page(visit)


def decide(visit: Visit) -> Response:
    """Accepts or rejects one proposal; what cannot be done is said on the page."""
    wanted = field(visit.form, "proposal")
    try:
        if field(visit.form, "step") == "reject":
            reject(visit.services, wanted, reason=field(visit.form, "reason"), actor=visit.user)
        else:
            accept(visit.services, wanted, _acceptance(visit), actor=visit.user)
    except ProposalRefused as refused:
        return _page(visit, error=visit.says.format(refused.message, refused.params))
    except PolicyError as wrong:
        return _page(visit, error=str(wrong))
    except PolicyChanged as changed:
        told = visit.says.format(MEANWHILE, changed.params)
        return _page(visit, error=told, status=HTTPStatus.CONFLICT)
    return see_other("/learning")


def _acceptance(visit: Visit) -> Acceptance:
    try:
        expires = date.fromisoformat(field(visit.form, "expires"))
    except ValueError as wrong:
        raise ProposalRefused(ENDLESS) from wrong
    return Acceptance(
        applicant=field(visit.form, "applicant"),
        purpose=field(visit.form, "purpose"),
        ticket=field(visit.form, "ticket"),
        expires=expires,
        destinations=tuple(field(visit.form, "destinations").split()),
        ports=tuple(_port(each) for each in field(visit.form, "ports").replace(",", " ").split()),
        endpoints=tuple(field(visit.form, "endpoints").split()),
    )


def _port(text: str) -> int:
    """What is no port is refused: passed over, it would leave all that were proposed."""
    if not _PORT.fullmatch(text):
        raise ProposalRefused(OTHER_PORT, port=text[:20])
    return int(text)


def _page(
    visit: Visit, *, error: str = "", status: HTTPStatus = HTTPStatus.BAD_REQUEST
) -> Response:
    services, now_us = visit.services, visit.services.clock()
    policy = services.policies.current()
    found = proposals(services.store_engine, policy, now_us=now_us)
    today = local_time(now_us, policy.hospital.timezone).date()
    return visit.page(
        "learning.html",
        status if error else HTTPStatus.OK,
        error=error,
        proposals=found.proposals,
        left_out=found.left_out,
        names=endpoint_names(services.store_engine),
        usual_end=(today + USUAL_END).isoformat(),
        digests=[
            digest_line(day, visit.says)
            for day in newest_digests(services.store_engine, limit=DAYS_SHOWN)
        ],
    )
