"""who called a case a false alarm, until a second person has looked at it, and whose it is"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = ("proposed_by", "proposed_why", "assignee")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("cases", sa.Column(name, sa.Text(), nullable=False, server_default=""))
