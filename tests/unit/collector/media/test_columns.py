from datetime import date

import pytest

from checks.facts.media_register import RegisteredMedium
from collector.columns import CellWrong
from collector.i18n import translator
from collector.media.columns import FIELDS, fields_of, headings, line_from, row_of

CHINESE, ENGLISH = translator("zh_CN"), translator("en")
LINE = RegisteredMedium(
    number="R-1",
    kind="dedicated",
    key="k1",
    serial="0042",
    capacity=16_000_000_000,
    owner="王医生",
    department="检验科",
    endpoints=("JYK-1", "JYK-2"),
    departments=("检验科",),
    zones=("ward",),
    access="read_only",
    hours="mon-fri 08:00-18:00",
    uses=3,
    lost=True,
    expires=date(2027, 6, 30),
    inventory=date(2026, 12, 31),
    note="blue, with a cap",
)


@pytest.mark.parametrize("says", [CHINESE, ENGLISH], ids=["zh", "en"])
@pytest.mark.parametrize("line", [LINE, RegisteredMedium(number="R-2", serial="1")])
def test_a_line_goes_out_and_comes_in_as_it_was(says, line):
    columns = fields_of(headings(says))

    assert line_from(row_of(line, says), columns, None) == line


def test_headings_of_both_languages_and_the_plain_names_are_known():
    assert fields_of(["编号", " Serial number ", "owner", ""]) == {
        0: "number",
        1: "serial",
        2: "owner",
    }
    assert len(set(headings(CHINESE))) == len(FIELDS)


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        (["编号", "colour"], "There is no column colour"),
        (["number", "编号"], "Column 编号 is there twice"),
        (["serial"], "There is no column for the number"),
    ],
)
def test_a_heading_that_is_unclear_is_refused(heading, told):
    with pytest.raises(CellWrong, match=told):
        fields_of(heading)


def test_a_column_that_is_left_out_stays_as_it_was():
    line = line_from(["R-1", "李护士"], {0: "number", 1: "owner"}, LINE)

    assert (line.owner, line.zones, line.lost) == ("李护士", ("ward",), True)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("endpoints", "a\N{FULLWIDTH COMMA}b\N{IDEOGRAPHIC COMMA}c;d", ("a", "b", "c", "d")),
        ("expires", "2027/6/30", date(2027, 6, 30)),
        ("expires", "2027-06-30 00:00:00", date(2027, 6, 30)),
        ("expires", "", date.max),
        ("inventory", "", None),
        ("kind", "摆渡", "ferry"),
        ("kind", "", "plain"),
        ("lost", "是", True),
        ("uses", "", 0),
    ],
)
def test_how_people_write_it(name, text, value):
    line = line_from(["R-1", text], {0: "number", 1: name}, None)

    assert getattr(line, name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uses", "-1"),
        ("uses", "three"),
        ("capacity", "9" * 30),
        ("capacity", "\N{ARABIC-INDIC DIGIT THREE}"),
        ("expires", "soon"),
        ("expires", "2027-02-30"),
        ("kind", "colourful"),
        ("lost", "perhaps"),
    ],
)
def test_a_cell_that_says_nothing_is_named(name, text):
    with pytest.raises(CellWrong) as wrong:
        line_from(["R-1", text], {0: "number", 1: name}, None)

    assert wrong.value.params["field"] == name
