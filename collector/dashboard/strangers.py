"""A medium that nobody registered: what it is, who saw it where and when, its cases and receipts."""

from http import HTTPStatus
from urllib.parse import quote

from starlette.responses import Response

from checks.facts.media import Medium
from collector.dashboard import media, receipts
from collector.dashboard.door import Visit, see_other
from collector.dashboard.shown_media import medium as medium_lines
from collector.judging.media import SeenMedium
from collector.queries.cases import CaseFilter, count_cases, next_clock, urgent_cases
from collector.queries.overview import endpoint_names
from collector.queries.register import StoredMedia

CASES_SHOWN = 50


def show(visit: Visit) -> Response:
    return _page(visit)


def revoke(visit: Visit) -> Response:
    """A receipt of it; what cannot be done is said on its page."""
    refused = receipts.refusal_of(visit)
    return _page(visit, refused) if refused else see_other(stranger_address(_key(visit)))


def stranger_address(key: str) -> str:
    """The page of a medium by its key: of one that was registered meanwhile it leads on."""
    return f"/media/unregistered/{quote(key, safe='')}"


def _page(visit: Visit, error: str = "") -> Response:
    known = StoredMedia(visit.services.store_engine)
    seen = known.seen(_key(visit))
    if seen is None:
        return visit.missing()
    line = known.line_for(seen.medium)
    if line is not None:
        return see_other(media.medium_address(line.number))
    return visit.page(
        "stranger.html",
        HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK,
        error=error,
        seen=seen,
        lines=tuple(medium_lines(seen.medium, visit.words)),
        in_policy=_number_in_policy(seen.medium, visit),
        places=known.places(seen.key),
        receipts=media.receipts_of(visit, seen),
        names=endpoint_names(visit.services.store_engine),
        address=stranger_address(seen.key),
        next_clock=next_clock,
        **_cases(visit, seen),
    )


def _key(visit: Visit) -> str:
    key: str = visit.request.path_params["key"]
    return key


def _cases(visit: Visit, seen: SeenMedium) -> dict[str, object]:
    """Those about it, at whatever endpoint, the urgent ones first."""
    services, wanted = visit.services, CaseFilter(subject=seen.key)
    rows = urgent_cases(services.store_engine, wanted, now_us=services.clock(), limit=CASES_SHOWN)
    return {"rows": rows, "total": count_cases(services.store_engine, wanted)}


def _number_in_policy(body: Medium, visit: Visit) -> str:
    """Where the policy itself lists it: then nobody need register it."""
    line = visit.services.policies.current().medium(body)
    return line.number if line else ""
