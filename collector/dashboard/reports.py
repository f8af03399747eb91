"""Reports to read, to print and to take along."""

from http import HTTPStatus

from starlette.responses import Response

from collector.dashboard.assets import SECURITY_HEADERS
from collector.dashboard.door import Visit
from collector.reports.figures import Report
from collector.reports.forms import FORMS, file_name, form_called
from collector.reports.making import make_report
from collector.reports.period import Period, PeriodWrong, choices, last_month, period_of
from collector.reports.tables import (
    blind_of,
    headings,
    sentence,
    severities_of,
    tables_of,
    total_row,
)


def show(visit: Visit) -> Response:
    """Of the period that was asked for, else of the last month."""
    now_us, timezone = visit.services.clock(), _timezone(visit)
    asked, error = visit.asked("period").strip(), ""
    period = last_month(now_us, timezone)
    try:
        period = period_of(asked, timezone) if asked else period
    except PeriodWrong as wrong:
        error = visit.says.format(wrong.message, wrong.params)
    report = _report(visit, period)
    return visit.page(
        "reports.html",
        HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK,
        error=error,
        asked=asked or period.name,
        report=report,
        choices=list(choices(now_us, timezone)),
        total=total_row(report, visit.says),
        tables=list(tables_of(report, visit.says)),
        severities=severities_of(report, visit.says),
        blind=blind_of(report, visit.says),
        headings=headings(visit.says),
        sentence=sentence(report, visit.says),
        forms=tuple(FORMS),
    )


def download(visit: Visit) -> Response:
    form = form_called(visit.request.path_params["form"])
    try:
        period = period_of(visit.request.path_params["period"], _timezone(visit))
    except PeriodWrong:
        return visit.missing()
    if form is None:
        return visit.missing()
    writer, kind = FORMS[form]
    named = f'attachment; filename="{file_name(period, form)}"'
    headers = {**SECURITY_HEADERS, "Content-Disposition": named}
    return Response(
        writer(_report(visit, period), visit.says),
        media_type=kind,
        headers={**headers, "Cache-Control": "no-store"},
    )


def _report(visit: Visit, period: Period) -> Report:
    services = visit.services
    return make_report(
        services.store_engine, services.policies.current(), period, now_us=services.clock()
    )


def _timezone(visit: Visit) -> str:
    return visit.services.policies.current().hospital.timezone
