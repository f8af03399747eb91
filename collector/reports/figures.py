"""What a report counts: pure.  Every number is a sum of the same cells, so a table's lines never
disagree with its total.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Literal, TypeVar, get_args

import msgspec

from checks.finding import Severity
from collector.reports.period import Period

Counted = Literal["opened", "closed", "mistaken", "left", "overdue"]
COUNTED: tuple[Counted, ...] = get_args(Counted)
"""Opened, closed, and called a false alarm within the period; still open at its end, and of these
past the clock of their close.
"""
Key = TypeVar("Key", bound=Hashable)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """The cases of one rule, department, person in charge and severity."""

    rule: str
    department: str
    owner: str
    severity: Severity
    opened: int = 0
    closed: int = 0
    mistaken: int = 0
    left: int = 0
    overdue: int = 0


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    opened: int = 0
    closed: int = 0
    mistaken: int = 0
    left: int = 0
    overdue: int = 0
    severities: Mapping[Severity, int] = {}

    def of(self, counted: Counted) -> int:
        return int(getattr(self, counted))

    @property
    def is_none(self) -> bool:
        """Whether nothing happened and nothing was left: to be read with the coverage."""
        return not any(self.of(each) for each in COUNTED)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is a rule's id, a clause's, a department's name or a person's; `rules` are those that
    count for it where it is a clause.  `share` of the time was watched, None where that is no
    question.
    """

    key: str
    tally: Tally
    share: float | None = None
    rules: tuple[str, ...] = ()


class Blind(msgspec.Struct, frozen=True, kw_only=True):
    """Time in which endpoints were not watched, by its cause; `length_us` is the sum of theirs."""

    cause: str
    endpoints: int
    length_us: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`endpoints` were enrolled by the end of the period; `share` of its time they were watched,
    on the mean.  A period that is not over is counted until `made_us`.
    """

    period: Period
    made_us: int
    policy_version: int
    hospital: str
    timezone: str
    endpoints: int
    share: float
    total: Tally
    clauses: tuple[Line, ...]
    rules: tuple[Line, ...]
    departments: tuple[Line, ...]
    people: tuple[Line, ...]
    blind: tuple[Blind, ...]

    @property
    def is_over(self) -> bool:
        return self.period.to_us <= self.made_us


def tally(cells: Iterable[Cell]) -> Tally:
    """Their sum; `severities` are of those that were opened."""
    known = list(cells)
    severities = {
        severity: sum(cell.opened for cell in known if cell.severity is severity)
        for severity in Severity
    }
    sums = {each: sum(getattr(cell, each) for cell in known) for each in COUNTED}
    return Tally(severities=severities, **sums)


def by(
    cells: Sequence[Cell], key_of: Callable[[Cell], Key], keys: Iterable[Key] = ()
) -> Mapping[Key, Tally]:
    """A tally for each key that a cell has, and for those of `keys` that none has."""
    parted: dict[Key, list[Cell]] = {key: [] for key in keys}
    for cell in cells:
        parted.setdefault(key_of(cell), []).append(cell)
    return {key: tally(part) for key, part in parted.items()}
