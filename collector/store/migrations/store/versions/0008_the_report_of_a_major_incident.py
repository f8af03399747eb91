"""whether a case is a major incident, until when it has to be reported, and by which reference it was"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind, default in (
        ("report_due_us", sa.BigInteger(), "0"),
        ("major", sa.String(3), ""),
        ("reported", sa.Text(), ""),
    ):
        op.add_column("cases", sa.Column(name, kind, nullable=False, server_default=default))
