"""The tables of scan receipts 查杀凭证 and of their manifests; see `schema`."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from collector.store.metadata import store

# Receipts that were believed, by the judge: collector.judging.receipts.
receipts = Table(
    "receipts",
    store,
    Column("id", String(64), primary_key=True),
    Column("medium", String(64), nullable=False),
    Column("station", String(64), nullable=False),
    Column("extends", String(64), nullable=False),
    Column("how", String(16), nullable=False),
    Column("signatures", Text, nullable=False),
    Column("scanned_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("signed", Text, nullable=False),  # checks.facts.receipts.SignedReceipt
    Column("ended_us", BigInteger, nullable=False),  # 0 while nothing speaks against it
    Column("ended_by", String(16), nullable=False),  # collector.judging.receipts.Ended
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
Index("ix_receipts_medium", receipts.c.medium, receipts.c.ended_us, receipts.c.scanned_us)
Index("ix_receipts_station", receipts.c.station, receipts.c.scanned_us)
Index("ix_receipts_signatures", receipts.c.signatures)
Index("ix_receipts_extends", receipts.c.extends)
Index("ix_receipts_scanned", receipts.c.scanned_us, receipts.c.id)

# What people revoked: counts for receipts that come later, too.
receipt_revocations = Table(
    "receipt_revocations",
    store,
    Column("entry", BigInteger, primary_key=True),  # of the journal
    Column("what", String(16), nullable=False),  # receipt · station · signatures
    Column("subject", Text, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
Index(
    "ix_receipt_revocations_subject",
    receipt_revocations.c.subject,
    receipt_revocations.c.what,
)

# Media on which malware was found: the last time of each.
media_infected = Table(
    "media_infected",
    store,
    Column("key", String(64), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("agent", String(64), nullable=False),
)

# Manifests as agents sent them, each under its sender's name.  Not derived: they come beside
# the journal, and whoever has none scans the medium whole.
manifests = Table(
    "manifests",
    store,
    Column("receipt", String(64), primary_key=True),
    Column("agent", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)
Index("ix_manifests_agent", manifests.c.agent, manifests.c.received_us)
