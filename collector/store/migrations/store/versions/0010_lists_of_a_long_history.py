"""cases found by when they were opened and closed, and holes kept in the order of their endpoints"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

HOLES = (
    sa.Column("agent", sa.String(64), nullable=False),
    sa.Column("sensor", sa.String(32), nullable=False),
    sa.Column("from_us", sa.BigInteger(), nullable=False),
    sa.Column("to_us", sa.BigInteger(), nullable=False),
    sa.Column("cause", sa.String(16), nullable=False),
    sa.Column("lost", sa.BigInteger(), nullable=False),
    sa.Column("detail", sa.Text(), nullable=False),
)


def upgrade() -> None:
    op.create_index("ix_cases_closed_us", "cases", ["closed_us", "severity_rank"])
    op.create_index("ix_cases_opened_us", "cases", ["opened_us", "id"])
    key = sa.PrimaryKeyConstraint("agent", "sensor", "from_us", name="pk_coverage_holes")
    op.create_table("coverage_holes_sorted", *HOLES, key, sqlite_with_rowid=False)
    old = sa.table("coverage_holes", *(sa.column(column.name) for column in HOLES))
    new = sa.table("coverage_holes_sorted", *(sa.column(column.name) for column in HOLES))
    op.execute(sa.insert(new).from_select(list(new.c), sa.select(old)))
    op.drop_table("coverage_holes")
    op.rename_table("coverage_holes_sorted", "coverage_holes")
