"""the moment by which an endpoint's newest observation was judged"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = ("judged_us", "judged_monotonic_us")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column(
            "endpoints", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
