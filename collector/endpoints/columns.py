"""Lines of the endpoint register as rows of text, and back: one column a field.

An export has more columns than the register: what was heard from the endpoint.  Those are
for reading; an import does not look at them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from checks.policy import Endpoint
from collector.clocks import local_time
from collector.columns import NOT_A_WORD, VALUE_SHOWN, CellWrong, columns_of, parts_of
from collector.i18n import LANGUAGES, Translator, translator
from collector.judging.records import EndpointRecord

FIELDS = (
    "id",
    "name",
    "department",
    "owner",
    "phone",
    "place",
    "zone",
    "protection_level",
    "clinical",
    "groups",
)
HEARD = ("host", "state", "version", "last_heard")
LEVELS = (2, 3)
CLINICAL_CLASSES = ("life_support", "theatre", "emergency", "icu", "cashier")
"""Those that the product's own policy names; a hospital's further ones are shown as written."""
VOCABULARY = "endpoint_field"
NO_KEY_COLUMN = "There is no column for the endpoint's id or its name"


def headings(says: Translator) -> list[str]:
    """One for each column of an export, in this language."""
    return [says.word(VOCABULARY, name) for name in (*FIELDS, *HEARD)]


def row_of(record: EndpointRecord, says: Translator, *, timezone: str) -> list[str]:
    """The endpoint's cells, in the order of `headings`."""
    line = record.registered
    heard = local_time(record.last_heard_us, timezone) if record.last_heard_us else None
    return [
        *(_cell(line, name, says) for name in FIELDS),
        printable(record.host),
        says.word("endpoint_state", record.state),
        printable(record.version),
        _moment(heard),
    ]


def printable(text: str) -> str:
    """What an agent says of itself, so that it steers neither a terminal nor a file."""
    return "".join(letter for letter in text if letter.isprintable())


def fields_of(heading: Sequence[str]) -> dict[int, str]:
    """Which field each column is; any language's heading, or the field's own name.

    Raises:
        CellWrong: a column nobody knows, one that is there twice, none for id or name.
    """
    found = columns_of(heading, dict(_each_heading()))
    if not {"id", "name"} & set(found.values()):
        raise CellWrong(NO_KEY_COLUMN)
    return {place: name for place, name in found.items() if name in FIELDS}


def line_from(cells: Sequence[str], columns: Mapping[int, str], before: Endpoint) -> Endpoint:
    """The line that a row says, over what its fields were where there is no such column.
    Whichever endpoint it is stays: its id, and where no id is told its name.

    Raises:
        CellWrong.
    """
    told = {
        name: cells[place].strip() if place < len(cells) else "" for place, name in columns.items()
    }
    named_by_id = bool(told.pop("id", ""))
    if not named_by_id and before.name:
        told.pop("name", None)
    values = {name: _value(name, text, before) for name, text in told.items()}
    return msgspec.structs.replace(before, **values)


def _cell(line: Endpoint, name: str, says: Translator) -> str:
    value = getattr(line, name)
    if name == "clinical":
        return says.word("clinical_class", value) if value in CLINICAL_CLASSES else str(value)
    return ", ".join(value) if name == "groups" else str(value)


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _value(name: str, text: str, before: Endpoint) -> object:
    if name == "groups":
        return parts_of(text)
    if name == "clinical":
        return _clinical(text)
    if name == "protection_level":
        return _level(text) if text else before.protection_level
    return text


def _level(text: str) -> int:
    for level in LEVELS:
        if text == str(level):
            return level
    words = ", ".join(map(str, LEVELS))
    raise CellWrong(NOT_A_WORD, field="protection_level", value=text[:VALUE_SHOWN], words=words)


def _clinical(text: str) -> str:
    """A class as the policy names it; one of the hospital's own stays as it is written."""
    for value in CLINICAL_CLASSES:
        said = (translator(code).word("clinical_class", value) for code in LANGUAGES)
        if text.casefold() in (value, *(word.casefold() for word in said)):
            return value
    return text


def _each_heading() -> Iterator[tuple[str, str]]:
    for name in (*FIELDS, *HEARD):
        yield name, name
        for code in LANGUAGES:
            yield translator(code).word(VOCABULARY, name).casefold(), name
