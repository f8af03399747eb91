import pytest

from collector.columns import CellWrong, cell_in, columns_of, numbered, parts_of

KNOWN = {"number": "number", "编号": "number", "owner": "owner"}


def test_columns_are_known_by_any_heading_in_either_case_and_blank_ones_are_passed_over():
    assert columns_of([" Number ", "", "OWNER"], KNOWN) == {0: "number", 2: "owner"}


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        (["number", "x" * 100], f"There is no column {'x' * 40}"),
        (["number", "编号"], "Column 编号 is there twice"),
    ],
)
def test_a_heading_that_is_unclear_is_refused(heading, told):
    with pytest.raises(CellWrong) as wrong:
        columns_of(heading, KNOWN)

    assert str(wrong.value) == told


def test_a_cell_is_told_without_its_blanks_and_one_that_is_not_there_is_empty():
    columns = {0: "number", 1: "owner"}

    assert cell_in([" R-1 "], columns, "number") == "R-1"
    assert cell_in(["R-1"], columns, "owner") == ""
    assert cell_in(["R-1"], columns, "colour") == ""


def test_rows_are_counted_as_spreadsheets_count_them():
    assert numbered([["a"], ["", " "], ["b"]]) == [(1, ["a"]), (3, ["b"])]


def test_whatever_comma_stands_between_the_parts_of_a_list():
    told = "a\N{FULLWIDTH COMMA}b\N{IDEOGRAPHIC COMMA}c;d\n, e"

    assert parts_of(told) == ("a", "b", "c", "d", "e")
