"""The media register as pages and lists show it: lines with what was last seen of each."""

from datetime import date, timedelta
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import ColumnElement, Engine, Select, and_, func, or_, select

from checks.facts.media_register import RegisteredMedium
from checks.policy import Policy
from collector.judging.media import Place, SeenMedium
from collector.queries.register import StoredMedia, line_of, seen_of
from collector.store import schema

LineState = Literal["lost", "banned", "ended", "overdue", "in_use", "returned", "registered"]
LINE_STATES: tuple[LineState, ...] = get_args(LineState)
Shown = Literal["in_use", "due", "lost", "ended"]
SHOWN: tuple[Shown, ...] = get_args(Shown)
DUE_WITHIN = timedelta(days=30)
STRANGERS_MOST = 2_000
PLUGGED_MOST = 5_000
_SEARCHED = ("number", "serial", "owner", "department", "key", "note")


class LineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What is empty does not narrow."""

    text: str = ""
    kind: str = ""
    department: str = ""
    shown: str = ""


class LineSeen(msgspec.Struct, frozen=True, kw_only=True):
    """`here` are the endpoints where it is plugged in now; times of 0 are never."""

    line: RegisteredMedium
    state: LineState
    last: SeenMedium | None
    here: tuple[str, ...]
    uses: int
    changed_us: int
    counted_us: int
    returned_us: int


class LineAct(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a line's story; `changed` is what fields said before."""

    at_us: int
    actor: str
    act: str
    reason: str
    changed: dict[str, str]


class Ledger:
    """Reads only; `today` is the hospital's own day."""

    def __init__(self, engine: Engine, policy: Policy, *, today: date) -> None:
        self._engine = engine
        self._known = StoredMedia(engine)
        self._policy = policy
        self._today = today

    def page(self, wanted: LineFilter, *, limit: int, offset: int = 0) -> list[LineSeen]:
        """By inventory where that is asked for, else by number."""
        lines = schema.media_register.c
        order = (lines.inventory, lines.number) if wanted.shown == "due" else (lines.number,)
        asked = self._narrowed(wanted).order_by(*order).limit(limit).offset(offset)
        with self._engine.connect() as connection:
            rows = connection.execute(asked).mappings().all()
        return [self._seen(row) for row in rows]

    def after(self, number: str, wanted: LineFilter, *, limit: int) -> list[LineSeen]:
        """Those after a number, by number."""
        lines = schema.media_register.c
        asked = self._narrowed(wanted).where(lines.number > number).order_by(lines.number)
        with self._engine.connect() as connection:
            rows = connection.execute(asked.limit(limit)).mappings().all()
        return [self._seen(row) for row in rows]

    def count(self, wanted: LineFilter) -> int:
        asked = self._narrowed(wanted).with_only_columns(func.count(), maintain_column_froms=True)
        with self._engine.connect() as connection:
            return connection.execute(asked).scalar_one()

    def every(self, wanted: LineFilter, *, most: int) -> list[RegisteredMedium]:
        """The bare lines, by number."""
        asked = self._narrowed(wanted).order_by(schema.media_register.c.number).limit(most)
        with self._engine.connect() as connection:
            return [line_of(row) for row in connection.execute(asked).mappings()]

    def one(self, number: str) -> LineSeen | None:
        table = schema.media_register
        with self._engine.connect() as connection:
            asked = select(table).where(table.c.number == number)
            row = connection.execute(asked).mappings().first()
        return None if row is None else self._seen(row)

    def story(self, number: str, *, limit: int) -> list[LineAct]:
        """Newest first."""
        acts = schema.media_acts
        asked = select(acts).where(acts.c.number == number).order_by(acts.c.entry.desc())
        names = LineAct.__struct_fields__
        with self._engine.connect() as connection:
            rows = connection.execute(asked.limit(limit)).mappings()
            return [LineAct(**{name: row[name] for name in names}) for row in rows]

    def places(self, seen: SeenMedium) -> list[Place]:
        """Where a body was, newest first."""
        return self._known.places(seen.key)

    def departments(self) -> list[str]:
        named = schema.media_register.c.department
        with self._engine.connect() as connection:
            asked = select(named).distinct().where(named != "").order_by(named)
            return list(connection.execute(asked).scalars())

    def strangers(self, text: str = "") -> list[SeenMedium]:
        """Media that were seen and are in no register, the newest first, not endlessly many."""
        seen = schema.media_seen
        asked = select(seen).where(~_is_registered()).order_by(seen.c.last_us.desc())
        if text:
            looked_at = (seen.c.medium, seen.c.key)
            asked = asked.where(or_(*(c.icontains(text, autoescape=True) for c in looked_at)))
        with self._engine.connect() as connection:
            rows = connection.execute(asked.limit(STRANGERS_MOST)).mappings()
            found = [seen_of(row) for row in rows]
        return [each for each in found if self._is_stranger(each)]

    def _is_stranger(self, seen: SeenMedium) -> bool:
        """The register's own comparison, and the policy's lines."""
        in_policy = self._policy.medium(seen.medium)
        return in_policy is None and self._known.line_for(seen.medium) is None

    def _seen(self, row: Any) -> LineSeen:
        line = line_of(row)
        last = self._known.last_seen(line)
        places = self._known.places(last.key) if last else []
        here = tuple(place.agent for place in places if place.since_us)
        return LineSeen(
            line=line,
            state=self._state(row, line, last, in_use=bool(here)),
            last=last,
            here=here,
            uses=self._known.uses(line.number),
            changed_us=row["changed_us"],
            counted_us=row["counted_us"],
            returned_us=row["returned_us"],
        )

    def _state(
        self, row: Any, line: RegisteredMedium, last: SeenMedium | None, *, in_use: bool
    ) -> LineState:
        last_us = last.last_us if last else 0
        if line.lost or line.kind == "banned":
            return "lost" if line.lost else "banned"
        if line.expires < self._today:
            return "ended"
        unseen = max(last_us, row["counted_us"]) < row["inventory_from_us"]
        if line.inventory is not None and line.inventory < self._today and unseen:
            return "overdue"
        if in_use:
            return "in_use"
        return "returned" if row["returned_us"] > last_us else "registered"

    def _narrowed(self, wanted: LineFilter) -> Select[Any]:
        lines = schema.media_register.c
        asked = select(schema.media_register)
        if wanted.kind:
            asked = asked.where(lines.kind == wanted.kind)
        if wanted.department:
            asked = asked.where(lines.department == wanted.department)
        if wanted.text:
            looked_at = (lines[name] for name in _SEARCHED)
            found = (column.icontains(wanted.text, autoescape=True) for column in looked_at)
            asked = asked.where(or_(*found))
        if wanted.shown == "in_use":
            return asked.where(lines.number.in_(self._in_use()))
        if wanted.shown == "due":
            until = (self._today + DUE_WITHIN).isoformat()
            return asked.where(
                lines.inventory != "", lines.inventory <= until, lines.lost == 0, ~_was_seen()
            )
        if wanted.shown == "lost":
            return asked.where(lines.lost != 0)
        if wanted.shown == "ended":
            return asked.where(lines.expires < self._today.isoformat())
        return asked

    def _in_use(self) -> list[str]:
        seen, places = schema.media_seen, schema.media_places
        here = select(places.c.key).where(schema.PLUGGED_IN).distinct().limit(PLUGGED_MOST)
        with self._engine.connect() as connection:
            rows = connection.execute(select(seen).where(seen.c.key.in_(here))).mappings()
            bodies = [seen_of(row) for row in rows]
        lines = (self._known.line_for(body.medium) for body in bodies)
        return [line.number for line in lines if line is not None]


def _is_registered() -> ColumnElement[bool]:
    """Nearly: a serial number may have lines that are for another body of it."""
    seen, lines = schema.media_seen.c, schema.media_register.c
    by_key = select(lines.number).where(lines.key == seen.key).exists()
    whole = and_(lines.vendor_id == "", lines.product_id == "", lines.capacity == 0)
    by_serial = (
        select(lines.number)
        .where(seen.serial != "", lines.serial == seen.serial, lines.key == "", whole)
        .exists()
    )
    return or_(by_key, by_serial)


def _was_seen() -> ColumnElement[bool]:
    """Whether a line's medium was seen or counted since its inventory was set."""
    seen, lines = schema.media_seen.c, schema.media_register.c
    since = seen.last_us >= lines.inventory_from_us
    by_key = select(seen.key).where(lines.key != "", seen.key == lines.key, since).exists()
    by_serial = select(seen.key).where(lines.key == "", seen.serial == lines.serial, since).exists()
    return or_(lines.counted_us >= lines.inventory_from_us, by_key, by_serial)
