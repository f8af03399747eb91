"""counts of the days, and what the first page is looked up by"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Both tables stay empty: the judge counts all cases at its first step."""
    op.create_table(
        "daily_counts",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "rule", "severity", "department", name=op.f("pk_daily_counts")
        ),
    )
    op.create_table(
        "days_counted_in",
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("timezone", name=op.f("pk_days_counted_in")),
    )
    op.create_index("ix_coverage_holes_to_us", "coverage_holes", ["to_us", "cause"])
    op.create_index("ix_alerts_sent_us", "alerts", ["sent_us"])
