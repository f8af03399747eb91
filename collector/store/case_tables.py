"""The tables of cases, their findings and their stories; see `schema`."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, text

from collector.store.metadata import Json, store

cases = Table(
    "cases",
    store,
    Column("id", String(32), primary_key=True),
    Column("rule", String(16), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("severity_rank", Integer, nullable=False),
    Column("state", String(24), nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("last_seen_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger, nullable=False, default=0),
    Column("count", BigInteger, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("message", Text, nullable=False),  # of the first finding: catalogue id …
    Column("params", Json, nullable=False),  # … and what fills it
    Column("acknowledge_due_us", BigInteger, nullable=False, default=0),
    Column("contain_due_us", BigInteger, nullable=False, default=0),
    Column("close_due_us", BigInteger, nullable=False, default=0),
    Column("acknowledged_by", Text, nullable=False, default=""),
    Column("department", Text, nullable=False, default=""),
    Column("proposed_by", Text, nullable=False, default=""),
    Column("proposed_why", Text, nullable=False, default=""),
    Column("assignee", Text, nullable=False, default=""),
    Column("report_due_us", BigInteger, nullable=False, default=0),
    Column("major", String(3), nullable=False, default=""),
    Column("reported", Text, nullable=False, default=""),
)
Index("ix_cases_open", cases.c.agent, cases.c.rule, cases.c.closed_us)
Index("ix_cases_list", cases.c.state, cases.c.severity_rank, cases.c.last_seen_us)
Index("ix_cases_last_seen_us", cases.c.last_seen_us)
Index("ix_cases_closed_us", cases.c.closed_us, cases.c.severity_rank)
Index("ix_cases_opened_us", cases.c.opened_us, cases.c.id)

findings = Table(
    "findings",
    store,
    Column("case", String(32), primary_key=True),
    Column("agent", String(64), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("ordinal", Integer, primary_key=True),  # several findings of one fact
    Column("at_us", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("params", Json, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Of the many findings only those that no page tells of: they end in the day's digest.
NOTICES = text("severity = 'notice'")
Index(
    "ix_findings_notices",
    findings.c.at_us,
    sqlite_where=NOTICES,
    postgresql_where=NOTICES,
)

timeline = Table(
    "timeline",
    store,
    Column("case", String(32), primary_key=True),
    Column("entry", BigInteger, primary_key=True),  # of the journal; orders the story
    Column("ordinal", Integer, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),  # a user's name, "" for the collector
    Column("act", String(32), nullable=False),  # opened · raised · acknowledge · close …
    Column("detail", Json, nullable=False),
)
Index("ix_timeline_entry", timeline.c.entry)
