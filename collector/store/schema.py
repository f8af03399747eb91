"""The tables, once, for SQLite and for PostgreSQL.

Two databases on SQLite, so that an acknowledgement never waits for the judge:
`journal` holds what must never be lost (entries as they came, who may send), `store` what
the judge derives from it and what people administer.  Times are microseconds since the
epoch, UTC.  No foreign keys across shards, no global sequences in what others see.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from collector.store.case_tables import NOTICES, cases, findings, timeline
from collector.store.duty_tables import duty_notes, duty_shifts
from collector.store.filter_tables import saved_filters
from collector.store.media_tables import (
    PLUGGED_IN,
    media_acts,
    media_places,
    media_register,
    media_seen,
    media_told,
    media_uses,
)
from collector.store.metadata import Json, RowId, journal, store
from collector.store.overview_tables import daily_counts, days_counted_in
from collector.store.receipt_tables import (
    manifests,
    media_infected,
    receipt_revocations,
    receipts,
)

__all__ = [
    "NOTICES",
    "PLUGGED_IN",
    "cases",
    "daily_counts",
    "days_counted_in",
    "duty_notes",
    "duty_shifts",
    "findings",
    "journal",
    "manifests",
    "media_acts",
    "media_infected",
    "media_places",
    "media_register",
    "media_seen",
    "media_told",
    "media_uses",
    "receipt_revocations",
    "receipts",
    "saved_filters",
    "store",
    "timeline",
]

# ------------------------------------------------------------------ journal

entries = Table(
    "entries",
    journal,
    Column("id", RowId, primary_key=True),
    # batch: an agent's, as sent · act: a person's · policy: one that was applied ·
    # enrolled: a new endpoint · word: the collector's own observation ·
    # trust: a person ended it in this agent · the others: collector.entries
    Column("kind", String(16), nullable=False),
    Column("agent", String(64), nullable=False, default=""),
    Column("first", BigInteger, nullable=False, default=0),
    Column("last", BigInteger, nullable=False, default=0),
    Column("received_us", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False, default=""),
    Column("signature", LargeBinary, nullable=False, default=b""),
    Column("body", LargeBinary, nullable=False),
)
Index("ix_entries_agent_first", entries.c.agent, entries.c.first)

agents = Table(
    "agents",
    journal,
    Column("agent", String(64), primary_key=True),
    Column("public_key", String(64), nullable=False),
    Column("host", Text, nullable=False),
    Column("machine", String(64), nullable=False),
    Column("token", String(32), nullable=False),
    Column("enrolled_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger, nullable=False, default=0),
    Column("last", BigInteger, nullable=False, default=0),
    Column("last_digest", String(64), nullable=False, default=""),
    Column("last_received_us", BigInteger, nullable=False, default=0),
)

enrol_tokens = Table(
    "enrol_tokens",
    journal,
    Column("id", String(32), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("revoked_us", BigInteger, nullable=False, default=0),
    # what the register shall say of an endpoint enrolled with it: checks.policy.Endpoint
    Column("endpoint", Json, nullable=False),
)

refusals = Table(
    "refusals",
    journal,
    Column("id", RowId, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("agent", String(64), nullable=False),
    Column("remote", String(64), nullable=False),
    Column("problem", String(48), nullable=False),
    Column("detail", Text, nullable=False),
)

policies = Table(
    "policies",
    journal,
    Column("version", Integer, primary_key=True),
    Column("applied_us", BigInteger, nullable=False),
    Column("applied_by", Text, nullable=False),
    Column("text", Text, nullable=False),
)

# ------------------------------------------------- store: derived by the judge

cursor = Table(
    "cursor",
    store,
    Column("name", String(32), primary_key=True),
    Column("entry", BigInteger, nullable=False),
)

# The policy that was in force at the judge's cursor: what it goes on judging with.
policy_in_force = Table(
    "policy_in_force",
    store,
    Column("name", String(32), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("text", Text, nullable=False),
)

observations = Table(
    "observations",
    store,
    Column("id", RowId, primary_key=True),
    Column("agent", String(64), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("sensor", String(32), nullable=False),
    Column("boot", String(36), nullable=False),
    Column("fact", Text, nullable=False),
)
Index("ix_observations_at_us", observations.c.at_us)
Index("ix_observations_agent_sequence", observations.c.agent, observations.c.sequence)
# Few rows of many: the index holds only these, and a query must say it in the same words.
ABOUT_MEDIA = text(
    "kind IN ('medium_attached', 'medium_detached', 'medium_mounted', 'medium_unmounted', "
    "'medium_accessed', 'medium_scanned')"
)
Index(
    "ix_observations_media",
    observations.c.id,
    sqlite_where=ABOUT_MEDIA,
    postgresql_where=ABOUT_MEDIA,
)

held = Table(
    "held",
    store,
    Column("agent", String(64), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at_us", BigInteger, nullable=False),
)

latest = Table(
    "latest",
    store,
    Column("agent", String(64), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("fact", Text, nullable=False),
)

endpoints = Table(
    "endpoints",
    store,
    Column("agent", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False, default=""),
    Column("department", Text, nullable=False, default=""),
    Column("owner", Text, nullable=False, default=""),
    Column("place", Text, nullable=False, default=""),
    Column("phone", Text, nullable=False, default=""),
    Column("zone", Text, nullable=False, default=""),
    Column("groups", Json, nullable=False),
    Column("clinical", String(32), nullable=False, default=""),
    Column("protection_level", Integer, nullable=False, default=3),
    Column("enrolled_us", BigInteger, nullable=False),
    Column("version", String(32), nullable=False, default=""),
    Column("policy_version", Integer, nullable=False, default=0),
    Column("last_heard_us", BigInteger, nullable=False, default=0),
    # online · off (said goodbye) · silent (did not)
    Column("state", String(16), nullable=False, default="online"),
    Column("open_cases", Integer, nullable=False, default=0),
    # of the newest observation judged: what a hole in the record is measured against
    Column("last_sequence", BigInteger, nullable=False, default=0),
    Column("last_at_us", BigInteger, nullable=False, default=0),
    Column("boot", String(36), nullable=False, default=""),
    # the moment by which it was judged, and the endpoint's monotonic clock then
    Column("judged_us", BigInteger, nullable=False, default=0, server_default="0"),
    Column("judged_monotonic_us", BigInteger, nullable=False, default=0, server_default="0"),
)

# Hosts of the segments by their cards' addresses, enrolled or not: collector.judging.segment
hosts = Table(
    "hosts",
    store,
    Column("mac", String(17), primary_key=True),
    Column("owner", String(64), nullable=False),  # the endpoint that has this card
    Column("addresses", Json, nullable=False),
    Column("name", Text, nullable=False),
    Column("how", Json, nullable=False),
    Column("witnesses", Json, nullable=False),
    Column("first_seen_us", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),  # its present stay
    Column("last_seen_us", BigInteger, nullable=False),
    Column("inside_us", BigInteger, nullable=False),  # last seen on a link of the intranet
    Column("told_us", BigInteger, nullable=False),
    Column("told_agent", String(64), nullable=False),
)
Index("ix_hosts_owner", hosts.c.owner, hosts.c.inside_us)

coverage_holes = Table(
    "coverage_holes",
    store,
    Column("agent", String(64), primary_key=True),
    Column("sensor", String(32), primary_key=True),  # "*" is the whole endpoint
    Column("from_us", BigInteger, primary_key=True),
    Column("to_us", BigInteger, nullable=False),  # 0 while it lasts
    Column("cause", String(16), nullable=False),
    Column("lost", BigInteger, nullable=False, default=0),
    Column("detail", Text, nullable=False, default=""),
    sqlite_with_rowid=False,
)

# With the columns of the key, which it has anyway, it answers how long who was blind and why.
Index("ix_coverage_holes_to_us", coverage_holes.c.to_us, coverage_holes.c.cause)

# One line for each day on which something tried to reach outside and nobody answered.
digests = Table(
    "digests",
    store,
    Column("day", String(10), primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    Column("endpoints", Integer, nullable=False),
    Column("destinations", Integer, nullable=False),
    Column("most", Json, nullable=False),  # collector.entries.Tried, most first
)

# What the officer does not want to see proposed again.
rejections = Table(
    "rejections",
    store,
    Column("destination", String(64), primary_key=True),
    Column("protocol", String(16), primary_key=True),
    Column("via", String(16), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

unknowns = Table(
    "unknowns",
    store,
    Column("agent", String(64), primary_key=True),
    Column("rule", String(16), primary_key=True),
    Column("since_us", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
)

# The outbox is derived, too, but what was sent stays sent when the store is rebuilt:
# the key is made of the case and the occasion.
alerts = Table(
    "alerts",
    store,
    Column("key", String(64), primary_key=True),
    Column("case", String(32), nullable=False),
    Column("occasion", String(16), nullable=False),  # first · raised · overdue
    Column("created_us", BigInteger, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("delivered", Json, nullable=False, default=list),  # those who have it already
    Column("state", String(16), nullable=False),  # waiting · claimed · sent · refused
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_try_us", BigInteger, nullable=False),
    Column("claimed_us", BigInteger, nullable=False, default=0),
    Column("sent_us", BigInteger, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("channel", String(24), nullable=False, default="", server_default=""),  # "" is mail
)
Index("ix_alerts_due", alerts.c.state, alerts.c.next_try_us)
Index("ix_alerts_sent_us", alerts.c.sent_us)

# How far each of [[channels]] has been told the cases' stories.  Entries of the journal keep
# their numbers, so a rebuild tells nothing twice: these rows are not derived.
channels = Table(
    "channels",
    store,
    Column("name", String(24), primary_key=True),
    Column("entry", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),
)

# ------------------------------------------------- store: administered by people

users = Table(
    "users",
    store,
    Column("name", String(64), primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(24), nullable=False),  # collector.rights.Role
    Column("department", Text, nullable=False, default=""),
    Column("language", String(8), nullable=False, default="zh_CN"),
    Column("created_us", BigInteger, nullable=False),
    Column("disabled_us", BigInteger, nullable=False, default=0),
)

sessions = Table(
    "sessions",
    store,
    Column("id_hash", String(64), primary_key=True),
    Column("user", String(64), nullable=False),
    Column("csrf", String(64), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    store,
    Column("id", String(32), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", String(24), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False, default=0),
    Column("revoked_us", BigInteger, nullable=False, default=0),
)
