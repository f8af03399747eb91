"""The tables of the media register and of the media that were seen; see `schema`."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, text

from collector.store.metadata import Json, store

# The media register 介质台账: collector.media.  A line names its medium by `key`, or by
# serial with what else is given.
media_register = Table(
    "media_register",
    store,
    Column("number", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("key", String(64), nullable=False),
    Column("serial", Text, nullable=False),
    Column("vendor_id", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("capacity", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("department", Text, nullable=False),
    Column("endpoints", Json, nullable=False),
    Column("departments", Json, nullable=False),
    Column("zones", Json, nullable=False),
    Column("access", String(16), nullable=False),
    Column("hours", Text, nullable=False),
    Column("uses", BigInteger, nullable=False),  # how often it may be used, 0 is any
    Column("lost", Integer, nullable=False),
    Column("expires", String(10), nullable=False),
    Column("inventory", String(10), nullable=False),  # empty where there is none
    Column("note", Text, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("inventory_from_us", BigInteger, nullable=False),  # seen since then counts
    Column("counted_us", BigInteger, nullable=False),  # last counted by hand or given back
    Column("returned_us", BigInteger, nullable=False),
)
Index("ix_media_register_key", media_register.c.key)
Index("ix_media_register_serial", media_register.c.serial)
Index("ix_media_register_inventory", media_register.c.inventory, media_register.c.number)
Index("ix_media_register_changed", media_register.c.changed_us)

# How often a line's medium was put to use, and which inventory was said to be overdue.
media_uses = Table(
    "media_uses",
    store,
    Column("number", String(64), primary_key=True),
    Column("uses", BigInteger, nullable=False),
)
media_told = Table(
    "media_told",
    store,
    Column("number", String(64), primary_key=True),
    Column("inventory", String(10), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)

media_acts = Table(
    "media_acts",
    store,
    Column("number", String(64), primary_key=True),
    Column("entry", BigInteger, primary_key=True),  # of the journal; orders the story
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("changed", Json, nullable=False),  # field -> what it was before, as text
)

# Media as endpoints saw them, and where.
media_seen = Table(
    "media_seen",
    store,
    Column("key", String(64), primary_key=True),
    Column("medium", Text, nullable=False),  # checks.facts.media.Medium, the last said
    Column("serial", Text, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("agent", String(64), nullable=False),  # where it was last
    Column("scan", String(16), nullable=False),
    Column("scanned_us", BigInteger, nullable=False),
)
Index("ix_media_seen_serial", media_seen.c.serial)
Index("ix_media_seen_last", media_seen.c.last_us, media_seen.c.key)

media_places = Table(
    "media_places",
    store,
    Column("key", String(64), primary_key=True),
    Column("agent", String(64), primary_key=True),
    Column("zone", Text, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("before_us", BigInteger, nullable=False),  # last there before its present stay
    Column("since_us", BigInteger, nullable=False),  # its present stay, 0 when it is gone
    Column("received_us", BigInteger, nullable=False),  # when that was heard of
    Column("used", Integer, nullable=False),  # whether this stay was counted as a use
    Column("told_us", BigInteger, nullable=False),  # said to be at two places
)
Index("ix_media_places_agent", media_places.c.agent, media_places.c.since_us)
PLUGGED_IN = text("since_us > 0")
Index(
    "ix_media_places_here",
    media_places.c.key,
    sqlite_where=PLUGGED_IN,
    postgresql_where=PLUGGED_IN,
)
