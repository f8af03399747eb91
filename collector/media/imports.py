"""A file for the register: looked at as a whole, taken in as a whole or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from checks.facts.media_register import RegisteredMedium
from checks.register import names_somebody
from collector.columns import FAULTS_SHOWN, NOTHING, CellWrong, Fault, numbered
from collector.media.acts import SAME_MEDIUM, Lines, faults, identity
from collector.media.columns import fields_of, line_from, number_in

TWICE = "Number {number} is there twice, first in row {row}"
NOBODY = "Column {field}: {value} names nobody and counts as empty (MED-12)"
_TOGETHER = 500


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a file comes to: `fresh` and `changed` lines; `same` many say nothing new.  With
    any fault nothing of it may be taken in; `faulty` counts them all.  `warnings` hinder nothing;
    `warned` counts them.
    """

    fresh: tuple[RegisteredMedium, ...] = ()
    changed: tuple[RegisteredMedium, ...] = ()
    same: int = 0
    faults: tuple[Fault, ...] = ()
    faulty: int = 0
    warnings: tuple[Fault, ...] = ()
    warned: int = 0

    @property
    def lines(self) -> tuple[RegisteredMedium, ...]:
        return (*self.fresh, *self.changed)


def read_lines(rows: Iterable[Sequence[str]], known: Lines) -> Reading:
    """Rows as spreadsheets count them, the heading first."""
    told = numbered(rows)
    if not told:
        return _refused([Fault(row=1, message=NOTHING)])
    try:
        columns = fields_of(told[0][1])
    except CellWrong as wrong:
        return _refused([Fault(row=1, message=wrong.message, params=wrong.params)])
    before = _before([number_in(cells, columns) for _, cells in told[1:]], known)
    lines, wrong_rows = _read(told[1:], columns, before)
    wrong_rows += _ambiguous(lines, known)
    if wrong_rows or not lines:
        return _refused(wrong_rows or [Fault(row=1, message=NOTHING)])
    values = list(lines.values())
    warnings = [fault for row, line in lines.items() for fault in _doubts(row, line)]
    return Reading(
        fresh=tuple(line for line in values if line.number not in before),
        changed=tuple(line for line in values if before.get(line.number, line) != line),
        same=sum(before.get(line.number) == line for line in values),
        warnings=tuple(warnings[:FAULTS_SHOWN]),
        warned=len(warnings),
    )


def _read(
    rows: Sequence[tuple[int, Sequence[str]]],
    columns: Mapping[int, str],
    before: Mapping[str, RegisteredMedium],
) -> tuple[dict[int, RegisteredMedium], list[Fault]]:
    lines: dict[int, RegisteredMedium] = {}
    wrong_rows: list[Fault] = []
    first: dict[str, int] = {}
    for row, cells in rows:
        try:
            line = line_from(cells, columns, before.get(number_in(cells, columns)))
        except CellWrong as wrong:
            wrong_rows.append(Fault(row=row, message=wrong.message, params=wrong.params))
            continue
        found = [Fault(row=row, message=text, params=params) for text, params in faults(line)]
        if line.number in first:
            told = {"number": line.number, "row": str(first[line.number])}
            found.append(Fault(row=row, message=TWICE, params=told))
        first.setdefault(line.number, row)
        wrong_rows += found
        lines[row] = line
    return lines, wrong_rows


def _before(numbers: Sequence[str], known: Lines) -> dict[str, RegisteredMedium]:
    found: dict[str, RegisteredMedium] = {}
    for begin in range(0, len(numbers), _TOGETHER):
        found |= known.lines(tuple(numbers[begin : begin + _TOGETHER]))
    return found


def _ambiguous(lines: Mapping[int, RegisteredMedium], known: Lines) -> list[Fault]:
    """Rows that name a medium which another line has: of the file, or of the register where
    the file does not change that line.
    """
    found: list[Fault] = []
    own = {line.number for line in lines.values()}
    owner: dict[tuple[str, ...], str] = {}
    values = list(lines.values())
    for begin in range(0, len(values), _TOGETHER):
        taken = known.same_identity(values[begin : begin + _TOGETHER])
        owner |= {body: number for body, number in taken.items() if number not in own}
    for row, line in lines.items():
        if not line.key and not line.serial:
            continue  # told already
        other = owner.setdefault(identity(line), line.number)
        if other != line.number:
            found.append(Fault(row=row, message=SAME_MEDIUM, params={"number": other}))
    return found


def _doubts(row: int, line: RegisteredMedium) -> Iterator[Fault]:
    """Fields for who answers for it that are filled in and name nobody."""
    for name in ("owner", "department"):
        value = getattr(line, name)
        if value and not names_somebody(value):
            yield Fault(row=row, message=NOBODY, params={"field": name, "value": value[:40]})


def _refused(wrong_rows: list[Fault]) -> Reading:
    ordered = sorted(wrong_rows, key=lambda fault: fault.row)
    return Reading(faults=tuple(ordered[:FAULTS_SHOWN]), faulty=len(ordered))
