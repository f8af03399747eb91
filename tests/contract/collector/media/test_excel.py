"""Excel files, which the library writes by way of files of its own."""

import io
from datetime import datetime

import pytest
from openpyxl import Workbook, load_workbook

from collector.sheets import rows_of, xlsx_of
from tests.unit.collector.test_sheets import FORMULAS, ROWS


def excel(rows) -> bytes:
    book, written = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(written)
    return written.getvalue()


def test_an_excel_file_comes_in_as_it_went_out_but_for_line_breaks():
    heading, first, second = rows_of(xlsx_of(ROWS, title="台账"))

    assert heading == ROWS[0]
    assert first == ["R-1", '第一,"引号"换行']
    assert second == ["R-2"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_looks_like_a_formula_is_text_in_excel(formula):
    content = xlsx_of([["number"], [formula]], title="t")

    cell = load_workbook(io.BytesIO(content)).active["A2"]
    assert cell.data_type == "s"
    assert list(rows_of(content))[1] == [formula.replace("\t", "")]


def test_days_and_whole_numbers_of_excel_are_text():
    content = excel([["expires", "uses"], [datetime(2027, 6, 30), 3.0], [None, 12]])

    assert list(rows_of(content))[1:] == [["2027-06-30", "3"], ["", "12"]]
