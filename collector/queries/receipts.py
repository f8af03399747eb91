"""Scan receipts, as the store holds them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Engine, Row, Select, and_, bindparam, func, or_, select

from checks.facts.receipts import ScanReceipt, SignedReceipt
from collector.entries import Revoked
from collector.judging.receipts import LedgerReceipt, ReceiptState, Revocation
from collector.store import schema

ASKED_TOGETHER = 500
"""Ids in one question; SQLite bears a few thousand parameters."""
_DECODE = msgspec.json.Decoder(SignedReceipt).decode
_RECEIPTS = schema.receipts
_ONE = select(_RECEIPTS).where(_RECEIPTS.c.id == bindparam("id"))
_OPEN = (
    select(_RECEIPTS)
    .where(
        _RECEIPTS.c.medium == bindparam("medium"),
        _RECEIPTS.c.ended_us == 0,
        _RECEIPTS.c.expires_us > bindparam("now_us"),
    )
    .order_by(_RECEIPTS.c.scanned_us.desc())
)
_CLEAN = select(func.max(_RECEIPTS.c.scanned_us)).where(
    _RECEIPTS.c.medium == bindparam("medium"),
    _RECEIPTS.c.how == "full",
    _RECEIPTS.c.ended_by.in_(("", "infected")),
)
_INFECTED = select(schema.media_infected.c.at_us).where(
    schema.media_infected.c.key == bindparam("key")
)
"""Made once, because they are asked with every fact about a medium."""


class ReceiptFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What is empty does not narrow."""

    medium: str = ""
    station: str = ""
    state: ReceiptState | None = None


class Position(msgspec.Struct, frozen=True):
    """Where a list of receipts was left off."""

    scanned_us: int
    id: str


class StoredReceipts:
    """Fits `collector.judging.receipts.ReceiptSource`; each question about one medium or one
    receipt is a look-up by an index, however many there are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def receipt(self, named: str) -> LedgerReceipt | None:
        return next(self._read(_ONE, {"id": named}), None)

    def in_force(
        self, medium: str, now_us: int, counts: Callable[[str], bool]
    ) -> SignedReceipt | None:
        """The newest that nothing speaks against, of a station that `counts`."""
        found = self._read(_OPEN, {"medium": medium, "now_us": now_us})
        return next((one.signed for one in found if counts(one.receipt.station)), None)

    def open_of(self, medium: str, now_us: int) -> list[LedgerReceipt]:
        return list(self._read(_OPEN, {"medium": medium, "now_us": now_us}))

    def covered(self, done: Revoked, until_us: int) -> list[LedgerReceipt]:
        about: dict[str, ColumnElement[bool]] = {
            "receipt": _RECEIPTS.c.id == done.subject,
            "signatures": _RECEIPTS.c.signatures == done.subject,
            "station": and_(
                _RECEIPTS.c.station == done.subject,
                _RECEIPTS.c.scanned_us.between(done.since_us, until_us),
            ),
        }
        return list(self._read(_unended(about[done.what])))

    def extending(self, ids: Sequence[str]) -> list[LedgerReceipt]:
        found: list[LedgerReceipt] = []
        remaining = iter(ids)
        while part := list(islice(remaining, ASKED_TOGETHER)):
            found += self._read(_unended(_RECEIPTS.c.extends.in_(part)))
        return found

    def revocations_about(self, receipt: ScanReceipt) -> list[Revocation]:
        """By what they name; whether they are about its time is asked of them."""
        table = schema.receipt_revocations
        named = [
            and_(table.c.what == what, table.c.subject == subject)
            for what, subject in (
                ("receipt", receipt.id),
                ("station", receipt.station),
                ("signatures", receipt.signatures),
            )
        ]
        asked = select(table).where(or_(*named)).order_by(table.c.entry)
        with self._engine.connect() as connection:
            return [_revocation(row) for row in connection.execute(asked)]

    def infected_us(self, medium: str) -> int:
        with self._engine.connect() as connection:
            return connection.execute(_INFECTED, {"key": medium}).scalar() or 0

    def last_clean_us(self, medium: str) -> int:
        with self._engine.connect() as connection:
            return connection.execute(_CLEAN, {"medium": medium}).scalar() or 0

    def newest(
        self,
        wanted: ReceiptFilter,
        *,
        now_us: int,
        limit: int,
        after: Position | None = None,
    ) -> list[LedgerReceipt]:
        """For people and scripts: the newest first, those after `after`."""
        asked = select(_RECEIPTS).where(*_narrowing(wanted, now_us))
        if after is not None:
            asked = asked.where(
                or_(
                    _RECEIPTS.c.scanned_us < after.scanned_us,
                    and_(_RECEIPTS.c.scanned_us == after.scanned_us, _RECEIPTS.c.id < after.id),
                )
            )
        order = (_RECEIPTS.c.scanned_us.desc(), _RECEIPTS.c.id.desc())
        return list(self._read(asked.order_by(*order).limit(limit)))

    def _read(
        self, asked: Select[Any], told: dict[str, object] | None = None
    ) -> Iterator[LedgerReceipt]:
        with self._engine.connect() as connection:
            rows = connection.execute(asked, told or {}).all()
        return map(receipt_from, rows)


def receipt_from(row: Row[Any]) -> LedgerReceipt:
    """A row of `receipts` as a value."""
    columns = row._asdict()
    own = {name: columns[name] for name in LedgerReceipt.__struct_fields__ if name != "signed"}
    return LedgerReceipt(signed=_DECODE(columns["signed"]), **own)


def _unended(about: ColumnElement[bool]) -> Select[Any]:
    return select(_RECEIPTS).where(about, _RECEIPTS.c.ended_us == 0)


def _narrowing(wanted: ReceiptFilter, now_us: int) -> Iterator[ColumnElement[bool]]:
    receipts = _RECEIPTS.c
    if wanted.medium:
        yield receipts.medium == wanted.medium
    if wanted.station:
        yield receipts.station == wanted.station
    match wanted.state:
        case "in_force":
            yield and_(receipts.ended_us == 0, receipts.expires_us > now_us)
        case "expired":
            yield and_(receipts.ended_us == 0, receipts.expires_us <= now_us)
        case "doubted":
            yield receipts.ended_by == "infected"
        case "revoked":
            yield receipts.ended_by.not_in(("", "infected"))


def _revocation(row: Row[Any]) -> Revocation:
    columns = row._asdict()
    done = {name: columns[name] for name in Revoked.__struct_fields__}
    return Revocation(entry=row.entry, at_us=row.at_us, done=Revoked(**done))
