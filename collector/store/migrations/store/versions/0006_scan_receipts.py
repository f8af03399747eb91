"""scan receipts, what was revoked of them, and their manifests"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _short(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), primary_key=key, nullable=False)


def upgrade() -> None:
    _receipts()
    _beside()


def _receipts() -> None:
    op.create_table(
        "receipts",
        _short("id", 64, key=True),
        *(_short(name, 64) for name in ("medium", "station", "extends")),
        _short("how", 16),
        _text("signatures"),
        *(_number(name) for name in ("scanned_us", "expires_us", "received_us")),
        _text("signed"),
        _number("ended_us"),
        _short("ended_by", 16),
        *(_text(name) for name in ("actor", "reason")),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
    )
    op.create_index("ix_receipts_medium", "receipts", ["medium", "ended_us", "scanned_us"])
    op.create_index("ix_receipts_station", "receipts", ["station", "scanned_us"])
    op.create_index("ix_receipts_signatures", "receipts", ["signatures"])
    op.create_index("ix_receipts_extends", "receipts", ["extends"])
    op.create_index("ix_receipts_scanned", "receipts", ["scanned_us", "id"])


def _beside() -> None:
    op.create_table(
        "receipt_revocations",
        _number("entry", key=True),
        _short("what", 16),
        _text("subject"),
        *(_number(name) for name in ("since_us", "at_us")),
        *(_text(name) for name in ("actor", "reason")),
        sa.PrimaryKeyConstraint("entry", name="pk_receipt_revocations"),
    )
    op.create_index("ix_receipt_revocations_subject", "receipt_revocations", ["subject", "what"])
    op.create_table(
        "media_infected",
        _short("key", 64, key=True),
        _number("at_us"),
        _short("agent", 64),
        sa.PrimaryKeyConstraint("key", name="pk_media_infected"),
    )
    op.create_table(
        "manifests",
        _short("receipt", 64, key=True),
        _short("agent", 64, key=True),
        *(_number(name) for name in ("size", "received_us")),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("receipt", "agent", name="pk_manifests"),
    )
    op.create_index("ix_manifests_agent", "manifests", ["agent", "received_us"])
