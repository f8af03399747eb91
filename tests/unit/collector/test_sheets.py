import io
import zipfile

import pytest

from collector import sheets
from collector.sheets import SheetRefused, csv_of, rows_of

ROWS = [["编号", "备注"], ["R-1", '第一,"引号"\n换行'], ["R-2", ""]]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"]


def test_a_csv_file_comes_in_as_it_went_out():
    assert list(rows_of(csv_of(ROWS))) == ROWS


@pytest.mark.parametrize("formula", FORMULAS)
def test_what_looks_like_a_formula_is_text_in_csv_and_comes_back(formula):
    content = csv_of([["number"], [formula]])

    assert content.decode("utf-8-sig").splitlines()[1].lstrip('"').startswith("'")
    assert list(rows_of(content)) == [["number"], [formula]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_the_encodings_of_chinese_spreadsheets_are_read(encoding):
    content = "编号,责任人\r\nR-1,王䶮\r\n".encode(encoding)

    assert list(rows_of(content)) == [["编号", "责任人"], ["R-1", "王䶮"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_of_spreadsheets_are_told_by_the_heading(delimiter):
    content = delimiter.join(["number", "owner"]) + "\nR-1" + delimiter + "a"

    assert list(rows_of(content.encode())) == [["number", "owner"], ["R-1", "a"]]


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("nothing", b" \r\n"),
        ("a broken book", b"PK\x03\x04broken"),
        ("a zip that is no book", b""),
        ("a picture", b"\x89PNG\r\n\x1a\n\x00\x00\xff\xff"),
        ("an open quote", b'number\n"R-1'),
    ],
)
def test_what_is_no_table_is_refused(what, content):
    if what == "a zip that is no book":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("readme.txt", "no book")
        content = packed.getvalue()

    with pytest.raises(SheetRefused):
        list(rows_of(content))


def test_a_file_that_swells_is_refused_before_it_is_unpacked():
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/workbook.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(sheets.UNPACKED_MOST // 2**22 + 1):
            part.write(bytes(2**22))

    with pytest.raises(SheetRefused, match="too large"):
        list(rows_of(packed.getvalue()))


def test_a_file_with_too_many_rows_is_refused(monkeypatch):
    monkeypatch.setattr(sheets, "ROWS_MOST", 2)

    with pytest.raises(SheetRefused, match="more than 2 rows"):
        list(rows_of(b"number\n1\n2\n3\n"))
