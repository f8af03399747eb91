"""A report on paper: A4, with the place for signatures at its end."""

import io
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table

from collector.alerts.mail import visible
from collector.clocks import local_time
from collector.i18n import Translator
from collector.reports.figures import Report
from collector.reports.tables import (
    ALL_THE_TIME,
    BLIND,
    NOT_OVER,
    Row,
    TableOf,
    blind_of,
    headings,
    sentence,
    severities_of,
    tables_of,
    total_row,
)

PDF_TYPE = "application/pdf"
NAME_MOST = 120
"""Characters of what others wrote."""
FONT_FILES = (
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/wqy-microhei/wqy-microhei.ttc"),
)
"""WenQuanYi Micro Hei where distributions put it (Debian: fonts-wqy-microhei)."""
_FONT, _UNEMBEDDED = "wqy-microhei", "STSong-Light"
_MARGIN = 16 * mm
_LINE = colors.HexColor("#c9ced6")
_SOFT, _DOUBT = colors.HexColor("#5b6675"), colors.HexColor("#9a5b00")
_SHADE = colors.HexColor("#f1f4f8")
SIGNED_BY = ("Made by", "Checked by", "Approved by")


def report_pdf(report: Report, says: Translator) -> bytes:
    """One report in one language.  Without the font file the type is the reader's own
    (STSong-Light), which not every reader has.
    """
    written = io.BytesIO()
    title = says.format("Compliance report {period}", {"period": report.period.name})
    document = SimpleDocTemplate(
        written,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 6 * mm,
        title=title,
        author=visible(report.hospital) or "Wardwatch",
        lang="zh-CN" if says.language == "zh_CN" else "en",
    )
    footing = _footing(report, says)

    def foot(canvas: Canvas, page: Any) -> None:
        canvas.setFont(_font(), 7.5)
        canvas.setFillColor(_SOFT)
        canvas.drawString(_MARGIN, 10 * mm, footing)
        canvas.drawRightString(A4[0] - _MARGIN, 10 * mm, str(page.page))

    document.build(list(_story(report, says, title)), onFirstPage=foot, onLaterPages=foot)
    return written.getvalue()


def _story(report: Report, says: Translator, title: str) -> Iterator[Any]:
    period = report.period
    if report.hospital:
        yield Paragraph(_safe(report.hospital), _style(11, says, textColor=_SOFT))
    yield Paragraph(_safe(title), _style(18, says, spaceAfter=4))
    days = f"{period.first} – {period.last}"
    yield Paragraph(_safe(days), _style(10, says, textColor=_SOFT, spaceAfter=6))
    if not report.is_over:
        yield Paragraph(
            _safe(says.gettext(NOT_OVER)), _style(9, says, textColor=_DOUBT, spaceAfter=6)
        )
    yield Paragraph(_safe(sentence(report, says)), _style(11, says, spaceAfter=8))
    yield _grid(_severities(report, says), says, widths=(60 * mm, 30 * mm))
    for table in tables_of(report, says):
        yield from _section(report, table, says)
    yield from _blind(report, says)
    yield from _signatures(says)


def _section(report: Report, table: TableOf, says: Translator) -> Iterator[Any]:
    head = [table.heading, *headings(says), says.gettext("Watched")]
    rows = [_cells(row) for row in (total_row(report, says), *table.rows)]
    names = 178 * mm - 5 * 20.5 * mm - 21 * mm
    yield Paragraph(_safe(table.title), _style(13, says, spaceBefore=12, spaceAfter=5))
    yield _grid([head, *rows], says, widths=(names, *[20.5 * mm] * 5, 21 * mm))


def _severities(report: Report, says: Translator) -> list[list[str]]:
    head = [says.gettext("Opened, by severity"), says.gettext("Cases")]
    return [head, *([name, f"{f.number:,}"] for _, name, f in severities_of(report, says))]


def _blind(report: Report, says: Translator) -> Iterator[Any]:
    yield Paragraph(_safe(says.gettext(BLIND)), _style(13, says, spaceBefore=12, spaceAfter=5))
    head = [says.gettext(each) for each in ("Cause", "Endpoints", "Hours")]
    causes = [[cause, f"{many:,}", f"{hours:,}"] for cause, many, hours in blind_of(report, says)]
    if causes:
        yield _grid([head, *causes], says, widths=(80 * mm, 30 * mm, 30 * mm))
    else:
        yield Paragraph(_safe(says.gettext(ALL_THE_TIME)), _style(10, says))


def _signatures(says: Translator) -> Iterator[Any]:
    lines = [[f"{says.gettext(who)}:", "", f"{says.gettext('Date')}:", ""] for who in SIGNED_BY]
    signed = Table(lines, colWidths=(26 * mm, 62 * mm, 18 * mm, 40 * mm), rowHeights=13 * mm)
    signed.setStyle(
        [
            ("FONT", (0, 0), (-1, -1), _font(), 10),
            ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
            ("LINEBELOW", (1, 0), (1, -1), 0.6, colors.black),
            ("LINEBELOW", (3, 0), (3, -1), 0.6, colors.black),
        ]
    )
    yield KeepTogether([Spacer(1, 12 * mm), signed])


def _cells(row: Row) -> list[str]:
    name = f"{row.name}  {row.more}".strip()
    return [name, *(f"{figure.number:,}" for figure in row.figures), row.share or "–"]


def _grid(rows: Sequence[Sequence[str]], says: Translator, *, widths: Sequence[float]) -> Table:
    """The first row is the heading, and comes again on every page; the first column is text."""
    text, number = _style(8.5, says), _style(8.5, says, alignment=TA_RIGHT)
    filled = [
        [Paragraph(_safe(cell), number if place else text) for place, cell in enumerate(row)]
        for row in rows
    ]
    table = Table(filled, colWidths=list(widths), repeatRows=1, hAlign="LEFT")
    table.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, 0), _SHADE),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ]
    )
    return table


def _footing(report: Report, says: Translator) -> str:
    made = local_time(report.made_us, report.timezone).strftime("%Y-%m-%d %H:%M %z")
    told = {"made": made, "version": str(report.policy_version)}
    return says.format("Made {made} by Wardwatch · policy version {version}", told)


def _safe(text: str) -> str:
    """Nothing in it is markup, draws nothing unseen, or turns its surroundings around."""
    return escape(visible(text)[: NAME_MOST * 4])


def _style(size: float, says: Translator, **more: Any) -> ParagraphStyle:
    """`more` as ParagraphStyle takes it."""
    wrap = "CJK" if says.language == "zh_CN" else None
    return ParagraphStyle(
        "own", fontName=_font(), fontSize=size, leading=size * 1.35, wordWrap=wrap, **more
    )


@cache
def _font() -> str:
    file = next((each for each in FONT_FILES if each.exists()), None)
    if file is None:
        pdfmetrics.registerFont(UnicodeCIDFont(_UNEMBEDDED))
        return _UNEMBEDDED
    pdfmetrics.registerFont(TTFont(_FONT, str(file)))
    return _FONT
