"""The media register and the media that were seen, as the store holds them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Engine, RowMapping, and_, bindparam, or_, select

from checks.facts.media import Medium
from checks.facts.media_register import RegisteredMedium
from collector.judging.media import PLACES_KNOWN, TWINS_KNOWN, Place, SeenMedium
from collector.media.acts import identity
from collector.store import schema

BODIES_MOST = 50
"""So many bodies of one serial number are compared with a line."""
_LISTS = ("endpoints", "departments", "zones")
_DECODE = msgspec.json.Decoder(Medium).decode
_TOLD = ("serial", "vendor_id", "product_id", "capacity")
_LINES = schema.media_register
_BY_KEY = select(_LINES).where(_LINES.c.key == bindparam("key")).order_by(_LINES.c.number).limit(1)
_BY_SERIAL = (
    select(_LINES)
    .where(
        _LINES.c.serial == bindparam("serial"),
        _LINES.c.key == "",
        or_(_LINES.c.vendor_id == "", _LINES.c.vendor_id == bindparam("vendor_id")),
        or_(_LINES.c.product_id == "", _LINES.c.product_id == bindparam("product_id")),
        or_(_LINES.c.capacity == 0, _LINES.c.capacity == bindparam("capacity")),
    )
    .order_by(_LINES.c.number)
    .limit(1)
)
"""As `RegisteredMedium.is_for` compares; made once, because they are asked all the time."""


class StoredMedia:
    """Fits `collector.judging.media.MediaSource`; each question is one or two look-ups by
    an index, however large the register is.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def line_for(self, medium: Medium) -> RegisteredMedium | None:
        """By its key; else by its serial number, with whatever else the line names."""
        with self._engine.connect() as connection:
            row = connection.execute(_BY_KEY, {"key": medium.key}).mappings().first()
            if row is None and medium.serial:
                told = {name: getattr(medium, name) for name in _TOLD}
                row = connection.execute(_BY_SERIAL, told).mappings().first()
        return None if row is None else line_of(row)

    def lines(self, numbers: tuple[str, ...]) -> dict[str, RegisteredMedium]:
        table = schema.media_register
        asked = select(table).where(table.c.number.in_(numbers))
        with self._engine.connect() as connection:
            found = map(line_of, connection.execute(asked).mappings())
            return {line.number: line for line in found}

    def every(self, *, limit: int) -> list[RegisteredMedium]:
        """The whole register by number."""
        table = schema.media_register
        with self._engine.connect() as connection:
            rows = connection.execute(select(table).order_by(table.c.number).limit(limit))
            return [line_of(row) for row in rows.mappings()]

    def same_identity(self, lines: Sequence[RegisteredMedium]) -> Mapping[tuple[str, ...], str]:
        """Numbers of registered lines that name the same media as these, by identity."""
        table = schema.media_register
        keys = [line.key for line in lines if line.key]
        serials = [line.serial for line in lines if not line.key]
        asked = select(table).where(
            or_(
                and_(table.c.key != "", table.c.key.in_(keys)),
                and_(table.c.key == "", table.c.serial.in_(serials)),
            )
        )
        with self._engine.connect() as connection:
            found = [line_of(row) for row in connection.execute(asked).mappings()]
        return {identity(line): line.number for line in found}

    def uses(self, number: str) -> int:
        table = schema.media_uses
        asked = select(table.c.uses).where(table.c.number == number)
        with self._engine.connect() as connection:
            return connection.execute(asked).scalar() or 0

    def seen(self, key: str) -> SeenMedium | None:
        table = schema.media_seen
        with self._engine.connect() as connection:
            row = connection.execute(select(table).where(table.c.key == key)).mappings().first()
        return None if row is None else seen_of(row)

    def of_serial(self, serial: str) -> list[SeenMedium]:
        """Newest first, a few."""
        table = schema.media_seen
        asked = select(table).where(table.c.serial == serial).order_by(table.c.last_us.desc())
        with self._engine.connect() as connection:
            rows = connection.execute(asked.limit(TWINS_KNOWN + 1)).mappings()
            return [seen_of(row) for row in rows]

    def places(self, key: str) -> list[Place]:
        """Newest first, a few."""
        table = schema.media_places
        asked = select(table).where(table.c.key == key).order_by(table.c.last_us.desc())
        with self._engine.connect() as connection:
            rows = connection.execute(asked.limit(PLACES_KNOWN)).mappings()
            return [place_of(row) for row in rows]

    def plugged_in(self, agent: str) -> list[Place]:
        table = schema.media_places
        asked = select(table).where(table.c.agent == agent, table.c.since_us > 0)
        with self._engine.connect() as connection:
            return [place_of(row) for row in connection.execute(asked).mappings()]

    def last_seen(self, line: RegisteredMedium) -> SeenMedium | None:
        """The body of this line that was seen last."""
        table = schema.media_seen
        named = table.c.key == line.key if line.key else table.c.serial == line.serial
        asked = select(table).where(named).order_by(table.c.last_us.desc()).limit(BODIES_MOST)
        with self._engine.connect() as connection:
            bodies = [seen_of(row) for row in connection.execute(asked).mappings()]
        return next((body for body in bodies if line.is_for(body.medium)), None)


def line_of(row: Mapping[str, Any] | RowMapping) -> RegisteredMedium:
    """A row of `media_register` as a value."""
    fields = {name: row[name] for name in RegisteredMedium.__struct_fields__}
    for name in _LISTS:
        fields[name] = tuple(fields[name])
    fields["lost"] = bool(fields["lost"])
    fields["expires"] = date.fromisoformat(fields["expires"])
    fields["inventory"] = date.fromisoformat(fields["inventory"]) if fields["inventory"] else None
    return RegisteredMedium(**fields)


def seen_of(row: RowMapping) -> SeenMedium:
    """A row of `media_seen` as a value."""
    fields = {name: row[name] for name in SeenMedium.__struct_fields__ if name != "medium"}
    return SeenMedium(medium=_DECODE(row["medium"]), **fields)


def place_of(row: RowMapping) -> Place:
    """A row of `media_places` as a value."""
    fields = {name: row[name] for name in Place.__struct_fields__}
    return Place(**{**fields, "used": bool(fields["used"])})
