"""alerts by other channels than mail, and how far each was told the cases' stories"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("channel", sa.String(24), nullable=False, server_default=""))
    op.create_table(
        "channels",
        sa.Column("name", sa.String(24), primary_key=True),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_timeline_entry", "timeline", ["entry"])
