from collections.abc import Sequence

import msgspec
import pytest

from checks.facts.media_register import RegisteredMedium
from collector.columns import FAULTS_SHOWN
from collector.media.acts import identity
from collector.media.imports import read_lines

HEADING = ["number", "serial", "owner"]
R1 = RegisteredMedium(number="R-1", serial="S1", owner="a", note="kept")


class Known:
    """Fits Lines."""

    def __init__(self, *lines: RegisteredMedium) -> None:
        self._lines = {line.number: line for line in lines}

    def lines(self, numbers: tuple[str, ...]) -> dict[str, RegisteredMedium]:
        return {number: self._lines[number] for number in numbers if number in self._lines}

    def same_identity(self, lines: Sequence[RegisteredMedium]) -> dict[tuple[str, ...], str]:
        asked = {identity(line) for line in lines}
        return {identity(one): one.number for one in self._lines.values() if identity(one) in asked}


def test_new_changed_and_unchanged_lines_are_told_apart():
    rows = [HEADING, ["R-1", "S1", "b"], ["R-2", "S2", "c"], ["R-3", "S3", "d"]]
    known = Known(R1, RegisteredMedium(number="R-3", serial="S3", owner="d"))

    reading = read_lines(rows, known)

    assert [line.number for line in reading.fresh] == ["R-2"]
    assert reading.changed == (msgspec.structs.replace(R1, owner="b"),)
    assert (reading.same, reading.faults) == (1, ())


@pytest.mark.parametrize(
    ("what", "rows", "told"),
    [
        ("no heading", [], {1: "The file has no rows below its heading"}),
        ("a heading alone", [HEADING], {1: "The file has no rows below its heading"}),
        ("an unknown column", [["number", "x"], ["R-2", "1"]], {1: "There is no column x"}),
        (
            "no identity, blank rows are counted",
            [HEADING, ["", "", ""], ["R-2", "", "a"]],
            {3: "A line needs the medium's key or its serial number"},
        ),
        (
            "a bad number",
            [HEADING, ["R 2", "S2", "a"]],
            {2: "A number has 1 to 64 characters, without spaces and / \\ ? # %"},
        ),
        (
            "twice in the file",
            [HEADING, ["R-2", "S2", "a"], ["R-2", "S9", "a"]],
            {3: "Number R-2 is there twice, first in row 2"},
        ),
        (
            "one medium in two rows",
            [HEADING, ["R-2", "S2", "a"], ["R-3", "S2", "a"]],
            {3: "This is the same medium as number R-2"},
        ),
        (
            "a medium that another line has",
            [HEADING, ["R-2", "S1", "a"]],
            {2: "This is the same medium as number R-1"},
        ),
    ],
)
def test_each_wrong_row_is_told_by_its_number_and_nothing_is_taken(what, rows, told):
    reading = read_lines(rows, Known(R1))

    assert {f.row: f.message.format(**f.params) for f in reading.faults} == told, what
    assert reading.lines == ()


def test_two_lines_may_exchange_their_media_in_one_file():
    known = Known(R1, RegisteredMedium(number="R-2", serial="S2"))

    reading = read_lines([HEADING, ["R-1", "S2", "a"], ["R-2", "S1", ""]], known)

    assert reading.faults == ()
    assert len(reading.changed) == 2


def test_of_very_many_mistakes_the_first_are_told_and_all_are_counted():
    rows = [HEADING, *([f"R-{n}", "", "a"] for n in range(FAULTS_SHOWN + 5))]

    reading = read_lines(rows, Known())

    assert (len(reading.faults), reading.faulty) == (FAULTS_SHOWN, FAULTS_SHOWN + 5)


def test_a_dash_for_an_owner_is_told_by_row_and_column_and_hinders_nothing():
    heading = [*HEADING, "department", "kind"]
    rows = [
        heading,
        ["R-5", "S5", "-", "", ""],
        ["R-6", "S6", "", "ward", ""],
        ["R-7", "S7", "王", "——", ""],
    ]

    reading = read_lines(rows, Known())

    assert len(reading.fresh) == 3
    assert {f.row: f.message.format(**f.params) for f in reading.warnings} == {
        2: "Column owner: - names nobody and counts as empty (MED-12)",
        4: "Column department: —— names nobody and counts as empty (MED-12)",
    }
    assert reading.warned == 2
