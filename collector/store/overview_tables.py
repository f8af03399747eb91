"""Counts that the judge keeps for the first page; see `schema`."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from collector.store.metadata import store

# Of each day on the hospital's calendar; a case counts under the severity it has now.
daily_counts = Table(
    "daily_counts",
    store,
    Column("day", String(10), primary_key=True),
    Column("rule", String(16), primary_key=True),
    Column("severity", String(16), primary_key=True),
    Column("department", Text, primary_key=True),
    Column("opened", BigInteger, nullable=False),
    Column("closed", BigInteger, nullable=False),
)

# In which time zone the days were counted: in another one they are counted anew.
days_counted_in = Table(
    "days_counted_in",
    store,
    Column("timezone", Text, primary_key=True),
)
