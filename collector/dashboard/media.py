"""The media register: lines with where each medium is, and media that nobody registered."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from starlette.responses import Response

from checks.facts.media_register import RegisteredMedium
from collector.clocks import local_time
from collector.columns import CellWrong
from collector.dashboard.assets import SECURITY_HEADERS
from collector.dashboard.door import Visit, see_other
from collector.dashboard.forms import one as field
from collector.judging.media import SeenMedium
from collector.judging.receipts import LedgerReceipt
from collector.media.acts import MediaActs, MediumRefused
from collector.media.columns import (
    ACCESSES,
    FIELDS,
    KINDS,
    headings,
    line_from,
    row_of,
)
from collector.media.labels import LABELS_MOST, SIZES, labels_page, style_source
from collector.policies import registered
from collector.queries.ledger import SHOWN, Ledger, LineFilter
from collector.queries.overview import endpoint_names
from collector.queries.receipts import ReceiptFilter, StoredReceipts
from collector.queries.register import StoredMedia
from collector.sheets import CSV_TYPE, XLSX_TYPE, csv_of, xlsx_of

ON_A_PAGE = 50
STORY_SHOWN = 50
RECEIPTS_SHOWN = 20
LINES_MOST = 1_000_000
MARKS = ("counted", "returned", "lost", "found", "remove")
STRANGERS = "strangers"
_COLUMNS: Mapping[int, str] = dict(enumerate(FIELDS))


def listed(visit: Visit) -> Response:
    ledger, wanted = ledger_of(visit), _wanted(visit)
    names = endpoint_names(visit.services.store_engine)
    strangers = ledger.strangers(wanted.text)
    unregistered = visit.asked("shown") == STRANGERS
    total = len(strangers) if unregistered else ledger.count(wanted)
    pages = max(1, -(-total // ON_A_PAGE))
    number = visit.page_number(pages)
    begin = (number - 1) * ON_A_PAGE
    return visit.page(
        "media.html",
        rows=[] if unregistered else ledger.page(wanted, limit=ON_A_PAGE, offset=begin),
        strangers=strangers[begin : begin + ON_A_PAGE] if unregistered else [],
        waiting=len(strangers),
        unregistered=unregistered,
        wanted=wanted,
        shown=visit.asked("shown"),
        choices=(*SHOWN, STRANGERS),
        kinds=KINDS,
        sizes=tuple(SIZES),
        departments=ledger.departments(),
        names=names,
        total=total,
        number=number,
        pages=pages,
        address=medium_address,
        page_address=visit.address_without_page(),
        query=visit.request.url.query,
    )


def one(visit: Visit) -> Response:
    return page_of_one(visit)


def change(visit: Visit) -> Response:
    """Saves the form, or marks the line; what cannot be done is said on the page."""
    number, step = visit.request.path_params["number"], field(visit.form, "step")
    acts, reason = acts_of(visit), field(visit.form, "reason")
    try:
        if step in MARKS:
            acts.mark(number, step, actor=visit.user, reason=reason)  # type: ignore[arg-type] # one of MARKS
        else:
            acts.change(_line_of(visit, number), actor=visit.user, reason=reason)
    except (MediumRefused, CellWrong) as refused:
        return page_of_one(visit, error=visit.says.format(refused.message, _said(refused, visit)))
    return see_other("/media" if step == "remove" else medium_address(number))


def new(visit: Visit) -> Response:
    """An empty form, or one for a medium that was seen."""
    key = visit.asked("key")
    seen = StoredMedia(visit.services.store_engine).seen(key) if key else None
    return _form(visit, values=_values_of(seen, visit) if seen else {}, seen=seen)


def register(visit: Visit) -> Response:
    number = field(visit.form, "number").strip()
    try:
        acts_of(visit).register(_line_of(visit, number), actor=visit.user)
    except (MediumRefused, CellWrong) as refused:
        told = visit.says.format(refused.message, _said(refused, visit))
        return _form(visit, values=_form_values(visit), error=told)
    return see_other(medium_address(number))


def export(visit: Visit) -> Response:
    """The whole register as CSV or Excel."""
    lines = StoredMedia(visit.services.store_engine).every(limit=LINES_MOST)
    rows = [headings(visit.says), *(row_of(line, visit.says) for line in lines)]
    excel = visit.request.path_params["form"] == "xlsx"
    content = xlsx_of(rows, title=visit.says.gettext("Media register")) if excel else csv_of(rows)
    name = f"media.{'xlsx' if excel else 'csv'}"
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(content, media_type=XLSX_TYPE if excel else CSV_TYPE, headers=headers)


def labels(visit: Visit) -> Response:
    """Labels of one medium, or of those that the list shows; a page to print."""
    size = visit.asked("size") if visit.asked("size") in SIZES else "medium"
    ledger, number = ledger_of(visit), visit.asked("number")
    if number:
        found = ledger.one(number)
        lines = [found.line] if found else []
    else:
        lines = ledger.every(_wanted(visit), most=LABELS_MOST)
    page = labels_page(lines, size=size, base_url=visit.services.base_url, says=visit.says)
    policy = f"default-src 'none'; style-src {style_source(size)}; frame-ancestors 'none'"
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Content-Security-Policy": policy}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


def medium_address(number: str) -> str:
    return f"/media/{quote(number, safe='')}"


def ledger_of(visit: Visit) -> Ledger:
    services = visit.services
    policy = services.policies.current()
    today = local_time(services.clock(), policy.hospital.timezone).date()
    return Ledger(services.store_engine, policy, today=today)


def acts_of(visit: Visit) -> MediaActs:
    services = visit.services
    known = StoredMedia(services.store_engine)
    return MediaActs(journal=services.journal, known=known, changes=services.changes)


def _wanted(visit: Visit) -> LineFilter:
    shown, kind = visit.asked("shown"), visit.asked("kind")
    return LineFilter(
        text=visit.asked("q").strip(),
        kind=kind if kind in KINDS else "",
        department=visit.asked("department"),
        shown=shown if shown in SHOWN else "",
    )


def page_of_one(visit: Visit, error: str = "") -> Response:
    """The page of a line; with what could not be done."""
    number = visit.request.path_params["number"]
    ledger = ledger_of(visit)
    found = ledger.one(number)
    if found is None:
        return visit.missing()
    values = _form_values(visit) if error else _values_of_line(found.line, visit)
    return visit.page(
        "medium.html",
        HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK,
        error=error,
        found=found,
        line=found.line,
        values=values,
        places=ledger.places(found.last) if found.last else [],
        story=ledger.story(number, limit=STORY_SHOWN),
        receipts=receipts_of(visit, found.last) if found.last else [],
        names=endpoint_names(visit.services.store_engine),
        address=medium_address(number),
        sizes=tuple(SIZES),
        **_choices(visit),
    )


def receipts_of(visit: Visit, seen: SeenMedium) -> list[LedgerReceipt]:
    """Those of a body, the newest first."""
    services = visit.services
    wanted = ReceiptFilter(medium=seen.key)
    known = StoredReceipts(services.store_engine)
    return known.newest(wanted, now_us=services.clock(), limit=RECEIPTS_SHOWN)


def _form(
    visit: Visit, *, values: Mapping[str, str], seen: SeenMedium | None = None, error: str = ""
) -> Response:
    return visit.page(
        "medium_new.html",
        HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK,
        error=error,
        values={**dict.fromkeys(FIELDS, ""), **values},
        seen=seen,
        **_choices(visit),
    )


def _choices(visit: Visit) -> dict[str, object]:
    return {
        "kinds": KINDS,
        "accesses": ACCESSES,
        "zones": [zone.name for zone in visit.services.policies.current().zones],
    }


def _values_of(seen: SeenMedium, visit: Visit) -> dict[str, str]:
    """What a form for this body begins with: by its key nothing else can be meant; it may
    belong to whom the endpoint does where it was seen.
    """
    body = seen.medium
    endpoint = registered(visit.services.store_engine, seen.agent)
    return {
        "number": f"M-{body.key[:8].upper()}",
        "key": body.key,
        "serial": body.serial,
        "vendor_id": body.vendor_id,
        "product_id": body.product_id,
        "capacity": str(body.capacity),
        "owner": endpoint.owner if endpoint else "",
        "department": endpoint.department if endpoint else "",
    }


def _values_of_line(line: RegisteredMedium, visit: Visit) -> dict[str, str]:
    told = dict(zip(FIELDS, row_of(line, visit.says), strict=True))
    return {**told, "kind": line.kind, "access": line.access}


def _form_values(visit: Visit) -> dict[str, str]:
    return {name: field(visit.form, name) for name in FIELDS}


def _line_of(visit: Visit, number: str) -> RegisteredMedium:
    """Raises CellWrong."""
    known = ledger_of(visit).one(number)
    cells = [number if name == "number" else field(visit.form, name) for name in FIELDS]
    cells[FIELDS.index("lost")] = "1" if known and known.line.lost else ""
    return line_from(cells, _COLUMNS, None)


def _said(refused: MediumRefused | CellWrong, visit: Visit) -> Mapping[str, str]:
    """With the field called as the form calls it."""
    params = dict(refused.params)
    if "field" in params:
        params["field"] = visit.says.word("register_field", params["field"])
    return params
