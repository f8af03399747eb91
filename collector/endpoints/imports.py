"""A file for the endpoint register: looked at as a whole, taken in as a whole or not at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from checks.policy import Endpoint
from collector.columns import (
    FAULTS_SHOWN,
    NOTHING,
    VALUE_SHOWN,
    CellWrong,
    Fault,
    cell_in,
    numbered,
)
from collector.endpoints.acts import faults
from collector.endpoints.columns import fields_of, line_from
from collector.judging.records import EndpointRecord

NO_SUCH_ID = "No endpoint has the id {value}"
NO_SUCH_NAME = "No endpoint is called {value}"
SEVERAL = "{number} endpoints are called {value}; give the id"
NEITHER = "The row names no endpoint, neither by id nor by name"
TWICE = "This endpoint is there twice, first in row {row}"
NO_SUCH_ZONE = "Zone {value} is not in the policy"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a file comes to: the lines that it `changed`; `same` many say nothing new.  With any
    fault nothing of it may be taken in; `faulty` counts them all.  `warnings` hinder nothing;
    `warned` counts them.
    """

    changed: tuple[Endpoint, ...] = ()
    same: int = 0
    faults: tuple[Fault, ...] = ()
    faulty: int = 0
    warnings: tuple[Fault, ...] = ()
    warned: int = 0


class Enrolled:
    """Who may be meant: an id, or a name (else a host name) in either case.  A name that an
    endpoint bore whose trust was ended belongs to the one that bears it now.
    """

    def __init__(self, records: Iterable[EndpointRecord]) -> None:
        self._by_id: dict[str, Endpoint] = {}
        self._by_name: dict[str, list[Endpoint]] = {}
        self._by_host: dict[str, list[Endpoint]] = {}
        for record in records:
            line = record.registered
            self._by_id[line.id] = line
            if record.state != "revoked":
                self._by_name.setdefault(line.name.casefold(), []).append(line)
                self._by_host.setdefault(record.host.casefold(), []).append(line)

    def meant(self, agent: str, name: str) -> Endpoint:
        """Raises CellWrong: nobody, or several."""
        if agent:
            if agent not in self._by_id:
                raise CellWrong(NO_SUCH_ID, value=agent[:VALUE_SHOWN])
            return self._by_id[agent]
        if not name:
            raise CellWrong(NEITHER)
        key = name.casefold()
        found = self._by_name.get(key) or self._by_host.get(key) or []
        if not found:
            raise CellWrong(NO_SUCH_NAME, value=name[:VALUE_SHOWN])
        if len(found) > 1:
            raise CellWrong(SEVERAL, number=str(len(found)), value=name[:VALUE_SHOWN])
        return found[0]


def read_lines(
    rows: Iterable[Sequence[str]], enrolled: Iterable[EndpointRecord], *, zones: Collection[str]
) -> Reading:
    """Rows as spreadsheets count them, the heading first; `zones` are those of the policy."""
    told = numbered(rows)
    if len(told) <= 1:
        return _refused([Fault(row=1, message=NOTHING)])
    try:
        columns = fields_of(told[0][1])
    except CellWrong as wrong:
        return _refused([_fault(1, wrong)])
    before, after, wrong_rows = _read(told[1:], columns, Enrolled(enrolled))
    if wrong_rows:
        return _refused(wrong_rows)
    changed = {row: line for row, line in after.items() if line != before[row]}
    warnings = [
        Fault(row=row, message=NO_SUCH_ZONE, params={"value": line.zone[:VALUE_SHOWN]})
        for row, line in changed.items()
        if line.zone and line.zone not in zones
    ]
    return Reading(
        changed=tuple(changed.values()),
        same=len(after) - len(changed),
        warnings=tuple(warnings[:FAULTS_SHOWN]),
        warned=len(warnings),
    )


def _read(
    rows: Sequence[tuple[int, Sequence[str]]], columns: Mapping[int, str], enrolled: Enrolled
) -> tuple[dict[int, Endpoint], dict[int, Endpoint], list[Fault]]:
    """Lines by row as they were and as they shall be, and what is wrong."""
    before: dict[int, Endpoint] = {}
    after: dict[int, Endpoint] = {}
    wrong_rows: list[Fault] = []
    first: dict[str, int] = {}
    for row, cells in rows:
        try:
            line = enrolled.meant(cell_in(cells, columns, "id"), cell_in(cells, columns, "name"))
            wished = line_from(cells, columns, line)
        except CellWrong as wrong:
            wrong_rows.append(_fault(row, wrong))
            continue
        for message, params in faults(wished) if wished != line else ():
            wrong_rows.append(Fault(row=row, message=message, params=params))
        if line.id in first:
            twice = {"row": str(first[line.id])}
            wrong_rows.append(Fault(row=row, message=TWICE, params=twice))
        first.setdefault(line.id, row)
        before[row], after[row] = line, wished
    return before, after, wrong_rows


def _fault(row: int, wrong: CellWrong) -> Fault:
    return Fault(row=row, message=wrong.message, params=wrong.params)


def _refused(wrong_rows: Sequence[Fault]) -> Reading:
    return Reading(faults=tuple(wrong_rows[:FAULTS_SHOWN]), faulty=len(wrong_rows))
