"""The table of what people keep of the list of cases; see `schema`."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from collector.store.metadata import store

saved_filters = Table(
    "saved_filters",
    store,
    Column("id", String(16), primary_key=True),
    Column("owner", String(64), nullable=False),  # an account's name
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("shared", Integer, nullable=False),  # 1: shown to all
    Column("created_us", BigInteger, nullable=False),
)
Index("ix_saved_filters_owner_name", saved_filters.c.owner, saved_filters.c.name, unique=True)
