"""The judge's writes, compiled once: one text and a list of rows per table and step.

Rows go to the driver's executemany inside SQLAlchemy's transaction; compiling each
statement anew would cost as much as the insert itself.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from sqlalchemy import ColumnElement, Connection, Dialect, Table, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from collector.store import schema

Row = tuple[object, ...]
_COUNTED = ("inventory_from_us", "counted_us", "returned_us")
"""The last columns of the register: what an act on a line does not simply replace."""

_SPEAKING: Mapping[str, Callable[[], Dialect]] = {
    "sqlite": partial(sqlite.dialect, paramstyle="qmark"),
    "postgresql": partial(PGDialect_psycopg, paramstyle="format"),
}
"""Dialects whose parameters go by place, so that a row is a tuple."""


class Statement:
    """An insert whose rows are tuples in the order of `columns`.

    With `replaces`, a row of the same primary key gets these columns anew; columns in
    `adds` are added to what is there, of those in `latest` the greater one stays, and
    those in `kept_with` stay as long as another column does.  Without any of them, the
    row that is there stays.
    """

    def __init__(  # noqa: PLR0913 - each is another way in which a column is kept, by name
        self,
        dialect: Dialect,
        table: Table,
        *,
        leave_out: Sequence[str] = (),
        replaces: Sequence[str] = (),
        adds: Sequence[str] = (),
        latest: Sequence[str] = (),
        kept_with: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.columns = tuple(c.name for c in table.columns if c.name not in leave_out)
        insert = _insert(dialect, table)
        key = [column.name for column in table.primary_key]
        if replaces or adds:
            new = {name: insert.excluded[name] for name in replaces}
            sums = {name: table.c[name] + insert.excluded[name] for name in adds}
            kept = {
                **{name: _greater(table.c[name], insert.excluded[name]) for name in latest},
                **{
                    name: case(
                        (table.c[other] == insert.excluded[other], table.c[name]),
                        else_=insert.excluded[name],
                    )
                    for name, other in kept_with.items()
                },
            }
            insert = insert.on_conflict_do_update(index_elements=key, set_={**new, **sums, **kept})
        elif not set(leave_out) & set(key):
            insert = insert.on_conflict_do_nothing(index_elements=key)
        compiled = insert.compile(dialect=_SPEAKING[dialect.name](), column_keys=list(self.columns))
        if tuple(getattr(compiled, "positiontup", None) or ()) != self.columns:
            raise AssertionError(f"{table.name}: parameters are not in the order of the columns")
        self._text = str(compiled)

    def write(self, connection: Connection, rows: Sequence[Row]) -> None:
        if rows:
            connection.exec_driver_sql(self._text, list(rows))


class Statements:
    """All tables that a step of the judge writes."""

    def __init__(self, dialect: Dialect) -> None:
        self.observations = Statement(dialect, schema.observations, leave_out=("id",))
        self.findings = Statement(dialect, schema.findings)
        self.timeline = Statement(dialect, schema.timeline)
        self.alerts = Statement(dialect, schema.alerts)
        self.latest = Statement(dialect, schema.latest, replaces=("at_us", "fact"))
        self.held = Statement(dialect, schema.held, replaces=("last_at_us",), adds=("count",))
        self.unknowns = Statement(
            dialect, schema.unknowns, replaces=("at_us", "why"), adds=("count",)
        )
        self.holes = Statement(
            dialect, schema.coverage_holes, replaces=("to_us", "cause", "lost", "detail")
        )
        self.cases = Statement(dialect, schema.cases, replaces=_all_but_key(schema.cases))
        self.endpoints = Statement(
            dialect, schema.endpoints, replaces=_all_but_key(schema.endpoints)
        )
        self.hosts = Statement(dialect, schema.hosts, replaces=_all_but_key(schema.hosts))
        self.digests = Statement(dialect, schema.digests)
        self.daily_counts = Statement(dialect, schema.daily_counts, adds=("opened", "closed"))
        self.rejections = Statement(
            dialect, schema.rejections, replaces=("at_us", "actor", "reason")
        )
        self.media_register = Statement(
            dialect,
            schema.media_register,
            replaces=_all_but_key(schema.media_register)[: -len(_COUNTED)],
            latest=("counted_us", "returned_us"),
            kept_with={"inventory_from_us": "inventory"},
        )
        self.media_acts = Statement(dialect, schema.media_acts)
        self.media_told = Statement(dialect, schema.media_told)
        self.media_uses = Statement(dialect, schema.media_uses, adds=("uses",))
        self.media_seen = Statement(
            dialect, schema.media_seen, replaces=_all_but_key(schema.media_seen)
        )
        self.media_places = Statement(
            dialect, schema.media_places, replaces=_all_but_key(schema.media_places)
        )
        self.media_infected = Statement(dialect, schema.media_infected, replaces=("at_us", "agent"))
        self.receipts = Statement(
            dialect, schema.receipts, replaces=("ended_us", "ended_by", "actor", "reason")
        )
        self.receipt_revocations = Statement(dialect, schema.receipt_revocations)
        self.duty_shifts = Statement(dialect, schema.duty_shifts)
        self.duty_notes = Statement(dialect, schema.duty_notes)
        self.policy = Statement(dialect, schema.policy_in_force, replaces=("version", "text"))


def _greater(there: ColumnElement[int], new: ColumnElement[int]) -> ColumnElement[int]:
    return case((new > there, new), else_=there)


def _insert(dialect: Dialect, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect.name == "sqlite" else postgresql.insert(table)


def _all_but_key(table: Table) -> tuple[str, ...]:
    key = {column.name for column in table.primary_key}
    return tuple(column.name for column in table.columns if column.name not in key)
