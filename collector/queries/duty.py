"""The roster and what was handed over, from the store."""

import msgspec
from sqlalchemy import Engine, select

from collector.duty.roster import Shift
from collector.store import schema

NOTES_SHOWN = 20


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a shift handed over; `taken_by` took over at `taken_us` (0: nobody yet)."""

    at_us: int
    actor: str
    note: str
    taken_us: int
    taken_by: str


def shifts_after(engine: Engine, at_us: int) -> list[Shift]:
    """Those that end later, in the order of their beginning."""
    table = schema.duty_shifts
    names = Shift.__struct_fields__
    wanted = (
        select(*(table.c[name] for name in names))
        .where(table.c.to_us > at_us)
        .order_by(table.c.from_us, table.c.person)
    )
    with engine.connect() as connection:
        return [Shift(**row._asdict()) for row in connection.execute(wanted)]


def newest_notes(engine: Engine, *, limit: int = NOTES_SHOWN) -> list[Note]:
    """Those that nobody has taken over first, then the newest."""
    table = schema.duty_notes
    wanted = (
        select(*(table.c[name] for name in Note.__struct_fields__))
        .order_by(table.c.taken_us != 0, table.c.entry.desc())
        .limit(limit)
    )
    with engine.connect() as connection:
        return [Note(**row._asdict()) for row in connection.execute(wanted)]
