"""A table that people fill in: which field each column is, and what is wrong in a row."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

NOTHING = "The file has no rows below its heading"
TOO_LONG = "{field} is longer than {limit} characters"
UNPRINTABLE = "{field} holds characters that cannot be printed"
NOT_A_WORD = "{field}: {value} is not one of {words}"
UNKNOWN_COLUMN = "There is no column {value}"
TWICE = "Column {value} is there twice"
FAULTS_SHOWN = 200
"""So many wrong rows are told; the rest is counted."""
VALUE_SHOWN = 40
"""Characters of a wrong cell that are told."""
_SEPARATORS = str.maketrans(
    dict.fromkeys(
        (
            ";",
            "\n",
            "\N{FULLWIDTH COMMA}",
            "\N{FULLWIDTH SEMICOLON}",
            "\N{IDEOGRAPHIC COMMA}",
        ),
        ",",
    )
)
"""What people put between the parts of a list."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in a row; `row` counts from 1 as spreadsheets do, the heading is row 1.
    `message` is a catalogue id.
    """

    row: int
    message: str
    params: dict[str, str] = {}


class CellWrong(Exception):
    """A cell that cannot be read; `message` is a catalogue id."""

    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message.format(**params))
        self.message = message
        self.params = params


def numbered(rows: Iterable[Sequence[str]]) -> list[tuple[int, Sequence[str]]]:
    """The rows in which something stands, with their numbers."""
    return [(row, cells) for row, cells in enumerate(rows, start=1) if any(map(str.strip, cells))]


def columns_of(heading: Sequence[str], known: Mapping[str, str]) -> dict[int, str]:
    """Which field each column is; `known` holds the fields by their headings in lower case.

    Raises:
        CellWrong: a column nobody knows, or one that is there twice.
    """
    found: dict[int, str] = {}
    for place, text in enumerate(heading):
        if not text.strip():
            continue
        name = known.get(text.strip().casefold())
        if name is None:
            raise CellWrong(UNKNOWN_COLUMN, value=text.strip()[:VALUE_SHOWN])
        if name in found.values():
            raise CellWrong(TWICE, value=text.strip()[:VALUE_SHOWN])
        found[place] = name
    return found


def cell_in(cells: Sequence[str], columns: Mapping[int, str], name: str) -> str:
    """The row's text in this column, empty where there is none."""
    for place, field in columns.items():
        if field == name:
            return cells[place].strip() if place < len(cells) else ""
    return ""


def parts_of(text: str) -> tuple[str, ...]:
    """The parts of a list, whichever comma stands between them."""
    parts = (part.strip() for part in text.translate(_SEPARATORS).split(","))
    return tuple(part for part in parts if part)
