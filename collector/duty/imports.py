"""A roster from a file: read as a whole, taken in as a whole or not at all."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import msgspec

from collector.clocks import microseconds
from collector.duty.roster import Shift, faults
from collector.sheets import TOO_MANY_ROWS

FIELDS = ("from", "to", "person", "address", "phone")
NEEDED = FIELDS[:4]
_HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in FIELDS},
        "开始": "from",
        "开始时间": "from",
        "结束": "to",
        "结束时间": "to",
        "姓名": "person",
        "值班人": "person",
        "邮箱": "address",
        "电话": "phone",
    }
)
NO_COLUMN = "The heading lacks: {columns}"
NO_ROWS = "The file has no rows below its heading"
BAD_MOMENT = "{moment} is no time; write it like 2026-11-23 08:00"
FAULTS_SHOWN = 50
SHIFTS_MOST = 1_000
"""Of one file: three shifts a day are a year's."""
_MOMENT_LIMIT = 40


class Fault(msgspec.Struct, frozen=True):
    """What is wrong in a row, as spreadsheets count them: a catalogue id and what fills it."""

    row: int
    message: str
    params: dict[str, str] = {}


class MomentWrong(Exception):
    """No time as people write it; the message is what was written."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """With any fault nothing of the file may be taken in."""

    shifts: tuple[Shift, ...] = ()
    faults: tuple[Fault, ...] = ()


def read_roster(rows: Iterable[Sequence[str]], timezone: str) -> Reading:
    """Rows with their heading first; times on the hospital's own clock."""
    numbered = [(n, cells) for n, cells in enumerate(rows, start=1) if any(map(str.strip, cells))]
    heading = numbered[0][1] if numbered else ()
    columns = {_HEADINGS.get(cell.strip().lower(), ""): place for place, cell in enumerate(heading)}
    if missing := [name for name in NEEDED if name not in columns]:
        told = {"columns": ", ".join(missing)}
        return Reading(faults=(Fault(1, NO_COLUMN, told),))
    if len(numbered) == 1:
        return Reading(faults=(Fault(1, NO_ROWS),))
    if len(numbered) - 1 > SHIFTS_MOST:
        return Reading(faults=(Fault(1, TOO_MANY_ROWS, {"limit": str(SHIFTS_MOST)}),))
    shifts: list[Shift] = []
    wrong: list[Fault] = []
    for row, cells in numbered[1:]:
        texts = {name: _cell(cells, columns.get(name)) for name in FIELDS}
        try:
            shift = shift_from(texts, timezone)
        except MomentWrong as moment:
            wrong.append(Fault(row, BAD_MOMENT, {"moment": str(moment)}))
            continue
        wrong += [Fault(row, message, params) for message, params in faults(shift)]
        shifts.append(shift)
    if wrong:
        return Reading(faults=tuple(wrong[:FAULTS_SHOWN]))
    return Reading(shifts=tuple(shifts))


def shift_from(texts: Mapping[str, str], timezone: str) -> Shift:
    """A shift as it was written; `faults` says whether it can stand.

    Raises:
        MomentWrong.
    """
    return Shift(
        from_us=_moment_us(texts["from"], timezone),
        to_us=_moment_us(texts["to"], timezone),
        person=texts["person"].strip(),
        address=texts["address"].strip(),
        phone=texts["phone"].strip(),
    )


def _moment_us(text: str, timezone: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    except ValueError as wrong:
        raise MomentWrong(text.strip()[:_MOMENT_LIMIT]) from wrong
    return microseconds(moment.replace(tzinfo=moment.tzinfo or ZoneInfo(timezone)))


def _cell(cells: Sequence[str], place: int | None) -> str:
    return cells[place] if place is not None and place < len(cells) else ""
