"""A medium's scan receipts on its page: the chain, and how one is revoked."""

from typing import get_args

from starlette.responses import Response

from collector.dashboard import media
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.entries import RevokedWhat
from collector.media.acts import MediumRefused
from collector.media.revocations import ReceiptActs
from collector.queries.overview import endpoint_names
from collector.queries.receipts import StoredReceipts

WHATS: tuple[RevokedWhat, ...] = get_args(RevokedWhat)


def revoke(visit: Visit) -> Response:
    """One receipt, or all of its station or signatures; what cannot be done is said there."""
    refused = refusal_of(visit)
    if refused:
        return media.page_of_one(visit, refused)
    return see_other(media.medium_address(visit.request.path_params["number"]))


def refusal_of(visit: Visit) -> str:
    """Revokes what the form says; why that cannot be done, empty where it is done."""
    named, services = field(visit.form, "receipt"), visit.services
    known = StoredReceipts(services.store_engine)
    acts = ReceiptActs(
        journal=services.journal,
        known=known,
        endpoints=endpoint_names(services.store_engine),
        changes=services.changes,
    )
    found = known.receipt(named)
    receipt = found.receipt if found else None
    chosen = field(visit.form, "what")
    what = next((each for each in WHATS if each == chosen), WHATS[0])
    subjects = {
        "receipt": named,
        "station": receipt.station if receipt else "",
        "signatures": receipt.signatures if receipt else "",
    }
    try:
        acts.revoke(what, subjects[what], actor=visit.user, reason=field(visit.form, "reason"))
    except MediumRefused as refused:
        return visit.says.format(refused.message, refused.params)
    return ""
