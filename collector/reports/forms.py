"""The files that a report can be had as."""

from collections.abc import Callable, Mapping
from typing import Literal

from collector.i18n import Translator
from collector.reports.figures import Report
from collector.reports.pdf import PDF_TYPE, report_pdf
from collector.reports.period import Period
from collector.reports.tables import report_csv, report_xlsx
from collector.sheets import CSV_TYPE, XLSX_TYPE

Form = Literal["pdf", "xlsx", "csv"]
Writer = Callable[[Report, Translator], bytes]
FORMS: Mapping[Form, tuple[Writer, str]] = {
    "pdf": (report_pdf, PDF_TYPE),
    "xlsx": (report_xlsx, XLSX_TYPE),
    "csv": (report_csv, CSV_TYPE),
}
"""Each with its writer and its media type."""


def form_called(name: str) -> Form | None:
    return next((form for form in FORMS if form == name), None)


def file_name(period: Period, form: Form) -> str:
    """Of letters that every file system and every header takes."""
    return f"wardwatch-{period.name.replace('..', '-to-')}.{form}"
