"""How many cases each day opened and closed: kept while judging, so that nobody has to count
the history when the first page is asked for.
"""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, delete, insert, select

from checks.finding import Severity
from collector.cases import Case
from collector.clocks import local_time
from collector.judging.statements import Row, Statements
from collector.store import schema

DayKey = tuple[str, str, str, str]
"""Day (ISO 8601), rule, severity, department: the key of `daily_counts`."""
Change = tuple[int, int]
"""How many more were opened, and closed."""


class Days:
    """What one step changes in the counts."""

    def __init__(self) -> None:
        self._changes: dict[DayKey, Change] = {}

    def moved(self, before: Case | None, after: Case, timezone: str) -> None:
        """A case became another one, or is new."""
        if before is not None:
            for key, (opened, closed) in _counts_as(before, timezone):
                self._add(key, -opened, -closed)
        for key, (opened, closed) in _counts_as(after, timezone):
            self._add(key, opened, closed)

    def write(
        self, connection: Connection, statements: Statements, *, counted_in: str, timezone: str
    ) -> None:
        """Adds the changes to what was counted in the time zone `counted_in`; where the hospital's
        is another one now, counts all cases anew.  After the cases, in their transaction.
        """
        if counted_in == timezone:
            statements.daily_counts.write(connection, self._rows())
        else:
            recount(connection, timezone)

    def _add(self, key: DayKey, opened: int, closed: int) -> None:
        before = self._changes.get(key, (0, 0))
        self._changes[key] = (before[0] + opened, before[1] + closed)

    def _rows(self) -> list[Row]:
        return [(*key, *change) for key, change in self._changes.items() if any(change)]


def counted_in(connection: Connection) -> str:
    """The time zone of the days that were counted; empty before the first count."""
    return connection.execute(select(schema.days_counted_in.c.timezone)).scalar() or ""


def recount(connection: Connection, timezone: str) -> None:
    """Counts every case that the store has."""
    connection.execute(delete(schema.daily_counts))
    connection.execute(delete(schema.days_counted_in))
    connection.execute(insert(schema.days_counted_in).values(timezone=timezone))
    rows = [
        {**dict(zip(_KEY, key, strict=True)), "opened": opened, "closed": closed}
        for key, (opened, closed) in _counted(connection, timezone).items()
    ]
    if rows:
        connection.execute(insert(schema.daily_counts), rows)


_KEY = ("day", "rule", "severity", "department")


def _counted(connection: Connection, timezone: str) -> Mapping[DayKey, Change]:
    cases = schema.cases.c
    asked = select(
        cases.rule, cases.severity, cases.department, cases.opened_us, cases.closed_us
    ).execution_options(yield_per=10_000)
    found: dict[DayKey, Change] = {}
    for rule, severity, department, opened_us, closed_us in connection.execute(asked):
        at = {"opened_us": opened_us, "closed_us": closed_us}
        for key, (opened, closed) in _days(rule, severity, department, timezone, **at):
            before = found.get(key, (0, 0))
            found[key] = (before[0] + opened, before[1] + closed)
    return found


def _counts_as(case: Case, timezone: str) -> Iterator[tuple[DayKey, Change]]:
    at = {"opened_us": case.opened_us, "closed_us": case.closed_us}
    return _days(case.rule, case.severity, case.department, timezone, **at)


def _days(  # noqa: PLR0913 - the columns of a case that are counted by, by name
    rule: str,
    severity: Severity | str,
    department: str,
    timezone: str,
    *,
    opened_us: int,
    closed_us: int,
) -> Iterator[tuple[DayKey, Change]]:
    """The one or two keys under which a case counts; 0 is not closed."""
    of = (rule, str(severity), department)
    yield (_day(opened_us, timezone), *of), (1, 0)
    if closed_us:
        yield (_day(closed_us, timezone), *of), (0, 1)


def _day(at_us: int, timezone: str) -> str:
    return f"{local_time(at_us, timezone):%Y-%m-%d}"
