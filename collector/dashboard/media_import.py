"""A file for the register through the browser: looked at first, then taken in whole."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.responses import Response

from collector.columns import Fault
from collector.dashboard.door import Visit
from collector.dashboard.media import acts_of
from collector.media.imports import Reading, read_lines
from collector.queries.register import StoredMedia
from collector.sheets import SheetRefused, rows_of


def show(visit: Visit) -> Response:
    return visit.page("media_import.html", reading=None, error="", done=False, faults=[], doubts=[])


def take(visit: Visit) -> Response:
    """What is wrong is told by its row, and nothing of the file is taken in then."""
    sent = visit.file
    try:
        reading = read_lines(rows_of(sent.content), StoredMedia(visit.services.store_engine))
    except SheetRefused as refused:
        return _answer(visit, Reading(), visit.says.format(refused.message, refused.params))
    if not reading.faulty:
        acts_of(visit).take_in(reading.lines, actor=visit.user, reason=sent.name)
    return _answer(visit, reading)


def _answer(visit: Visit, reading: Reading, error: str = "") -> Response:
    faults = told(reading.faults, visit, "register_field")
    wrong = bool(error or faults)
    return visit.page(
        "media_import.html",
        HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
        reading=reading,
        faults=faults,
        doubts=told(reading.warnings, visit, "register_field"),
        error=error,
        done=not wrong,
    )


def told(faults: Sequence[Fault], visit: Visit, fields: str) -> list[tuple[int, str]]:
    """(row, what is wrong) in the visitor's language; `fields` is the vocabulary of the columns."""
    return [
        (fault.row, visit.says.format(fault.message, said(fault.params, visit, fields)))
        for fault in faults
    ]


def said(params: Mapping[str, str], visit: Visit, fields: str) -> Mapping[str, str]:
    """With the field called as its column is."""
    if "field" not in params:
        return params
    return {**params, "field": visit.says.word(fields, params["field"])}
