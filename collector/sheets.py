"""Tables as files: CSV and Excel, in and out.

A cell that a spreadsheet would take for a formula is made text: by an apostrophe in CSV
(OWASP, CSV injection), by its type in Excel.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import InvalidFileException

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

Cell = str | int | float
"""Of a table that is written; tables that are read hold text."""
BYTES_MOST = 32 * 1024 * 1024
UNPACKED_MOST = 512 * 1024 * 1024
ROWS_MOST = 250_000
COLUMNS_MOST = 64
CELL_MOST = 4_000
"""Characters; what is longer is cut, and then too long for its field."""
TOO_LARGE = "The file is too large"
TOO_MANY_ROWS = "The file has more than {limit} rows"
NOT_A_TABLE = "The file is neither CSV nor Excel (.xlsx)"
EMPTY = "The file is empty"
CSV_TYPE = "text/csv;charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ZIP = b"PK\x03\x04"
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_DELIMITERS = (",", ";", "\t")


class SheetRefused(Exception):
    """`message` is a catalogue id, `params` what fills it."""

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message.format(**params))
        self.message = message
        self.params = params


def csv_of(rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 with a byte order mark, without which Excel takes it for the local code page."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in row])
    return (_BOM + text.getvalue()).encode("utf-8")


def xlsx_of(rows: Iterable[Sequence[Cell]], *, title: str) -> bytes:
    return book_of([(title, rows)])


def book_of(sheets: Iterable[tuple[str, Iterable[Sequence[Cell]]]]) -> bytes:
    """An Excel file of several tables, each under its title; what is a number stays one."""
    book = Workbook(write_only=True)
    for title, rows in sheets:
        sheet = book.create_sheet(title[:31])
        sheet.freeze_panes = "A2"
        for row in rows:
            sheet.append([_cell(sheet, value) for value in row])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _cell(sheet: "WriteOnlyWorksheet", value: Cell) -> object:
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value=value)
    cell = WriteOnlyCell(sheet, value="".join(c for c in value if c.isprintable()))
    cell.data_type = "s"  # text, whatever it begins with
    return cell


def rows_of(content: bytes) -> Iterator[list[str]]:
    """Rows of a CSV or Excel file, as text.

    Raises:
        SheetRefused: too large, or not a table.
    """
    if len(content) > BYTES_MOST:
        raise SheetRefused(TOO_LARGE)
    if not content.strip():
        raise SheetRefused(EMPTY)
    rows = _xlsx_rows(content) if content.startswith(_ZIP) else _csv_rows(content)
    for number, row in enumerate(rows):
        if number > ROWS_MOST:
            raise SheetRefused(TOO_MANY_ROWS, limit=str(ROWS_MOST))
        yield row


def _csv_rows(content: bytes) -> Iterator[list[str]]:
    text = _decoded(content)
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            yield [_plain(cell)[:CELL_MOST] for cell in row[:COLUMNS_MOST]]
    except csv.Error as wrong:
        raise SheetRefused(NOT_A_TABLE) from wrong


def _decoded(content: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else GB18030 as Chinese spreadsheets write it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetRefused(NOT_A_TABLE)


def _xlsx_rows(content: bytes) -> Iterator[list[str]]:
    try:
        _check_size(content)
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what the file says of its own size is not believed
            for row in sheet.iter_rows(max_col=COLUMNS_MOST, values_only=True):
                yield _without_tail([_told(value)[:CELL_MOST] for value in row])
        finally:
            book.close()
    except SheetRefused:
        raise
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        NotImplementedError,
        OSError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
    ) as broken:  # whatever a damaged book makes of the library: it is no table
        raise SheetRefused(NOT_A_TABLE) from broken


def _without_tail(row: list[str]) -> list[str]:
    """Without the empty cells that the sheet has on the right."""
    while row and not row[-1]:
        row.pop()
    return row


def _check_size(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        if sum(part.file_size for part in parts.infolist()) > UNPACKED_MOST:
            raise SheetRefused(TOO_LARGE)


def _told(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    """Without the apostrophe that `_inert` put before it."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
