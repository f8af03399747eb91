"""hosts of the segments, enrolled or not"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "hosts",
        sa.Column("mac", sa.String(length=17), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("addresses", _JSON, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("how", _JSON, nullable=False),
        sa.Column("witnesses", _JSON, nullable=False),
        sa.Column("first_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("inside_us", sa.BigInteger(), nullable=False),
        sa.Column("told_us", sa.BigInteger(), nullable=False),
        sa.Column("told_agent", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("mac", name=op.f("pk_hosts")),
    )
    with op.batch_alter_table("hosts", schema=None) as batch_op:
        batch_op.create_index("ix_hosts_owner", ["owner", "inside_us"], unique=False)
