"""The endpoint register as a file: exported, and imported through the browser as a whole."""

from http import HTTPStatus

from starlette.responses import Response

from collector.dashboard.assets import SECURITY_HEADERS
from collector.dashboard.door import Visit
from collector.dashboard.forms import one as field
from collector.dashboard.media_import import told
from collector.endpoints.acts import EndpointActs
from collector.endpoints.columns import VOCABULARY, headings, row_of
from collector.endpoints.imports import Reading, read_lines
from collector.queries.endpoints import every_endpoint
from collector.sheets import CSV_TYPE, XLSX_TYPE, SheetRefused, csv_of, rows_of, xlsx_of

CHECK = "check"
"""The step that only looks."""


def show(visit: Visit) -> Response:
    return _answer(visit, None)


def take(visit: Visit) -> Response:
    """What is wrong is told by its row, and nothing of the file is taken in then."""
    services, sent = visit.services, visit.file
    zones = {zone.name for zone in services.policies.current().zones}
    try:
        rows = rows_of(sent.content)
        reading = read_lines(rows, every_endpoint(services.store_engine), zones=zones)
    except SheetRefused as refused:
        return _answer(visit, None, error=visit.says.format(refused.message, refused.params))
    if not reading.faulty and field(visit.form, "step") != CHECK:
        acts = EndpointActs(journal=services.journal, changes=services.changes)
        acts.take_in(reading.changed, actor=visit.user, reason=sent.name)
    return _answer(visit, reading)


def export(visit: Visit) -> Response:
    """The whole register as CSV or Excel."""
    services, says = visit.services, visit.says
    timezone = services.policies.current().hospital.timezone
    records = every_endpoint(services.store_engine)
    rows = [headings(says), *(row_of(each, says, timezone=timezone) for each in records)]
    excel = visit.request.path_params["form"] == "xlsx"
    content = xlsx_of(rows, title=says.gettext("Endpoint register")) if excel else csv_of(rows)
    name = f"endpoints.{'xlsx' if excel else 'csv'}"
    headers = {
        **SECURITY_HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(content, media_type=XLSX_TYPE if excel else CSV_TYPE, headers=headers)


def _answer(visit: Visit, reading: Reading | None, *, error: str = "") -> Response:
    wrong = bool(error or (reading and reading.faulty))
    return visit.page(
        "endpoint_import.html",
        HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
        reading=reading,
        faults=told(reading.faults, visit, VOCABULARY) if reading else [],
        doubts=told(reading.warnings, visit, VOCABULARY) if reading else [],
        error=error,
        only_checked=field(visit.form, "step") == CHECK,
        check=CHECK,
    )
