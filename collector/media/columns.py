"""Lines of the register as rows of text, and back: one column a field."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import msgspec

from checks.facts.media_register import RegisteredMedium
from collector.columns import NOT_A_WORD, CellWrong, cell_in, columns_of, parts_of
from collector.i18n import LANGUAGES, Translator, translator
from collector.judging.media import as_text

FIELDS = RegisteredMedium.__struct_fields__
NOT_A_NUMBER = "{field}: {value} is no whole number"
NOT_A_DAY = "{field}: {value} is no day; write it like 2027-06-30"
NO_NUMBER_COLUMN = "There is no column for the number"
KINDS = ("plain", "internal", "dedicated", "ferry", "banned")
ACCESSES = ("read_write", "read_only")
_WORDS = {"kind": KINDS, "access": ACCESSES}
_VOCABULARIES = {"kind": "register_kind", "access": "register_access"}
_NUMBERS = ("capacity", "uses")
_DAYS = ("expires", "inventory")
_LISTS = ("endpoints", "departments", "zones")
_YES = frozenset({"1", "yes", "true", "y", "x", "是", "√", "已挂失", "lost"})
_NO = frozenset({"", "0", "no", "false", "n", "否"})


def headings(says: Translator) -> list[str]:
    """One for each field, in this language."""
    return [says.word("register_field", name) for name in FIELDS]


def row_of(line: RegisteredMedium, says: Translator) -> list[str]:
    """The line's cells, in the order of `headings`."""
    return [_cell(line, name, says) for name in FIELDS]


def fields_of(heading: Sequence[str]) -> dict[int, str]:
    """Which field each column is; any language's heading, or the field's own name.

    Raises:
        CellWrong: a column nobody knows, one that is there twice, none for the number.
    """
    found = columns_of(heading, _known_headings())
    if "number" not in found.values():
        raise CellWrong(NO_NUMBER_COLUMN)
    return found


def line_from(
    cells: Sequence[str], columns: Mapping[int, str], before: RegisteredMedium | None
) -> RegisteredMedium:
    """The line that a row says, over what its fields were where there is no such column.

    Raises:
        CellWrong.
    """
    values = {
        name: _value(name, cells[place].strip() if place < len(cells) else "")
        for place, name in columns.items()
    }
    line = before or RegisteredMedium(number="")
    return msgspec.structs.replace(line, **values)


def number_in(cells: Sequence[str], columns: Mapping[int, str]) -> str:
    return cell_in(cells, columns, "number")


def _cell(line: RegisteredMedium, name: str, says: Translator) -> str:
    value = getattr(line, name)
    if name in _WORDS:
        return says.word(_VOCABULARIES[name], value)
    if name == "expires" and value == date.max:
        return ""
    return as_text(value)


def _value(name: str, text: str) -> object:
    if name in _NUMBERS:
        return _number(name, text)
    if name in _DAYS:
        return _day(name, text)
    if name in _LISTS:
        return parts_of(text)
    if name in _WORDS:
        return _word(name, text)
    if name == "lost":
        if text.casefold() in _YES | _NO:
            return text.casefold() in _YES
        raise CellWrong(NOT_A_WORD, field=name, value=text[:40], words="0, 1")
    return text


def _number(name: str, text: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(2**63)) - 1:
        raise CellWrong(NOT_A_NUMBER, field=name, value=text[:40])
    return int(text)


def _day(name: str, text: str) -> date | None:
    if not text:
        return date.max if name == "expires" else None
    parts = text.split(" ", maxsplit=1)[0].replace("/", "-").replace(".", "-").split("-")
    try:
        year, month, day = map(int, parts)
        return date(year, month, day)
    except ValueError as wrong:
        raise CellWrong(NOT_A_DAY, field=name, value=text[:40]) from wrong


def _word(name: str, text: str) -> str:
    if not text:
        return _WORDS[name][0]
    for value in _WORDS[name]:
        said = (translator(code).word(_VOCABULARIES[name], value) for code in LANGUAGES)
        if text.casefold() in (value, *(word.casefold() for word in said)):
            return value
    raise CellWrong(NOT_A_WORD, field=name, value=text[:40], words=", ".join(_WORDS[name]))


def _known_headings() -> Mapping[str, str]:
    return dict(_each_heading())


def _each_heading() -> Iterator[tuple[str, str]]:
    for name in FIELDS:
        yield name, name
        for code in LANGUAGES:
            yield translator(code).word("register_field", name).casefold(), name
