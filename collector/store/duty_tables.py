"""The tables of the duty roster 值班表; see `schema`."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from collector.store.metadata import store

duty_shifts = Table(
    "duty_shifts",
    store,
    Column("id", String(32), primary_key=True),  # collector.duty.roster.Shift.id
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("phone", Text, nullable=False),
)
Index("ix_duty_shifts_to_us", duty_shifts.c.to_us)

# What one shift hands over to the next.
duty_notes = Table(
    "duty_notes",
    store,
    Column("entry", BigInteger, primary_key=True, autoincrement=False),  # of the journal
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("taken_us", BigInteger, nullable=False),  # 0 until somebody took over
    Column("taken_by", Text, nullable=False),
)
