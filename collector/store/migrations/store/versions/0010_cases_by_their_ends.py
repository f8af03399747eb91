"""cases found by when they were opened and closed"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_cases_closed_us", "cases", ["closed_us", "severity_rank"])
    op.create_index("ix_cases_opened_us", "cases", ["opened_us", "id"])
