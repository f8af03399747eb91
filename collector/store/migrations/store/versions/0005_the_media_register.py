"""the media register, its story, and where media were seen"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Json = sa.JSON().with_variant(JSONB(), "postgresql")
_HERE = sa.text("since_us > 0")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _short(name: str, length: int, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), primary_key=key, nullable=False)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, Json, nullable=False)


def upgrade() -> None:
    _register()
    _seen()


def _register() -> None:
    op.create_table(
        "media_register",
        _short("number", 64, key=True),
        _short("kind", 16),
        _short("key", 64),
        *(_text(name) for name in ("serial", "vendor_id", "product_id")),
        _number("capacity"),
        *(_text(name) for name in ("owner", "department")),
        *(_json(name) for name in ("endpoints", "departments", "zones")),
        _short("access", 16),
        _text("hours"),
        _number("uses"),
        sa.Column("lost", sa.Integer(), nullable=False),
        _short("expires", 10),
        _short("inventory", 10),
        _text("note"),
        *(
            _number(name)
            for name in ("changed_us", "inventory_from_us", "counted_us", "returned_us")
        ),
        sa.PrimaryKeyConstraint("number", name="pk_media_register"),
    )
    op.create_index("ix_media_register_key", "media_register", ["key"])
    op.create_index("ix_media_register_serial", "media_register", ["serial"])
    op.create_index("ix_media_register_inventory", "media_register", ["inventory", "number"])
    op.create_index("ix_media_register_changed", "media_register", ["changed_us"])
    op.create_table(
        "media_uses",
        _short("number", 64, key=True),
        _number("uses"),
        sa.PrimaryKeyConstraint("number", name="pk_media_uses"),
    )
    op.create_table(
        "media_told",
        _short("number", 64, key=True),
        _short("inventory", 10, key=True),
        _number("at_us"),
        sa.PrimaryKeyConstraint("number", "inventory", name="pk_media_told"),
    )
    op.create_table(
        "media_acts",
        _short("number", 64, key=True),
        _number("entry", key=True),
        _number("at_us"),
        _text("actor"),
        _short("act", 16),
        _text("reason"),
        _json("changed"),
        sa.PrimaryKeyConstraint("number", "entry", name="pk_media_acts"),
    )


def _seen() -> None:
    op.create_table(
        "media_seen",
        _short("key", 64, key=True),
        _text("medium"),
        _text("serial"),
        *(_number(name) for name in ("first_us", "last_us")),
        _short("agent", 64),
        _short("scan", 16),
        _number("scanned_us"),
        sa.PrimaryKeyConstraint("key", name="pk_media_seen"),
    )
    op.create_index("ix_media_seen_serial", "media_seen", ["serial"])
    op.create_index("ix_media_seen_last", "media_seen", ["last_us", "key"])
    op.create_table(
        "media_places",
        _short("key", 64, key=True),
        _short("agent", 64, key=True),
        _text("zone"),
        *(
            _number(name)
            for name in ("first_us", "last_us", "before_us", "since_us", "received_us")
        ),
        sa.Column("used", sa.Integer(), nullable=False),
        _number("told_us"),
        sa.PrimaryKeyConstraint("key", "agent", name="pk_media_places"),
    )
    op.create_index("ix_media_places_agent", "media_places", ["agent", "since_us"])
    op.create_index(
        "ix_media_places_here",
        "media_places",
        ["key"],
        sqlite_where=_HERE,
        postgresql_where=_HERE,
    )
