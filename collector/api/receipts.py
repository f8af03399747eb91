"""Scan receipts over the API: which there are, and how they are revoked."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from collector.api.answers import (
    DEFAULT_LIMIT,
    ActBody,
    Cursor,
    Limit,
    Moment,
    NoQuery,
    Query,
    Text,
)
from collector.api.bodies import microseconds, moment, moment_or_none
from collector.api.calls import Call, Operation
from collector.api.cursors import cursor_of, place_of
from collector.entries import RevokedWhat
from collector.judging.receipts import EndedBy, LedgerReceipt, ReceiptState
from collector.media.revocations import ReceiptActs
from collector.queries.overview import endpoint_names
from collector.queries.receipts import Position, ReceiptFilter, StoredReceipts
from collector.rights import Action


class ReceiptsQuery(Query, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`medium` is its key, `station` the id of the endpoint that made the receipt."""

    medium: Text = ""
    station: Text = ""
    state: ReceiptState | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""


class ReceiptBody(msgspec.Struct, frozen=True, kw_only=True):
    """`ended_by` says what speaks against it: it was revoked itself (`receipt`), its station,
    its signatures, or what it extends (`base`) was; or malware was found later (`infected`).
    """

    id: str
    medium: str
    fingerprint: str
    files: int
    bytes: int
    engine: str
    signatures: str
    signatures_at: datetime
    station: str
    how: Literal["full", "changed", "written"]
    extends: str
    scanned_at: datetime
    expires_at: datetime
    state: ReceiptState
    ended_at: datetime | None
    ended_by: EndedBy
    actor: str
    reason: str


class ReceiptPage(msgspec.Struct, frozen=True, kw_only=True):
    receipts: list[ReceiptBody]
    next: str | None


class RevocationBody(ActBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`subject` is the id of a receipt, the id or name of an endpoint, or a version of
    signatures.  `since` narrows a station to what it made from then until now.
    """

    what: RevokedWhat = "receipt"
    subject: Annotated[str, msgspec.Meta(max_length=200)] = ""
    since: Moment | None = None


class RevokedBody(msgspec.Struct, frozen=True, kw_only=True):
    """`in_force` is false while the judge has not come to it yet."""

    what: RevokedWhat
    subject: str
    in_force: bool


def list_receipts(call: Call, query: ReceiptsQuery) -> ReceiptPage:
    wanted = ReceiptFilter(medium=query.medium, station=query.station, state=query.state)
    now_us = call.services.clock()
    known = StoredReceipts(call.services.store_engine)
    after = place_of(query.cursor, Position)
    rows = known.newest(wanted, now_us=now_us, limit=query.limit + 1, after=after)
    page, more = rows[: query.limit], len(rows) > query.limit
    last = page[-1] if page else None
    return ReceiptPage(
        receipts=[receipt_body(one, now_us=now_us) for one in page],
        next=cursor_of(Position(last.made_us, last.id)) if more and last else None,
    )


def revoke(call: Call, _query: NoQuery) -> RevokedBody:
    asked, services = call.body, call.services
    assert isinstance(asked, RevocationBody)
    acts = ReceiptActs(
        journal=services.journal,
        known=StoredReceipts(services.store_engine),
        endpoints=endpoint_names(services.store_engine),
        changes=services.changes,
    )
    in_force = acts.revoke(
        asked.what,
        asked.subject,
        actor=call.token.name,
        reason=asked.reason,
        since_us=microseconds(asked.since),
    )
    return RevokedBody(what=asked.what, subject=asked.subject, in_force=in_force)


def receipt_body(one: LedgerReceipt, *, now_us: int) -> ReceiptBody:
    receipt = one.receipt
    return ReceiptBody(
        id=receipt.id,
        medium=receipt.medium,
        fingerprint=receipt.fingerprint,
        files=receipt.files,
        bytes=receipt.bytes,
        engine=receipt.engine,
        signatures=receipt.signatures,
        signatures_at=moment(receipt.signatures_at_us),
        station=receipt.station,
        how=receipt.how,
        extends=receipt.extends,
        scanned_at=moment(receipt.scanned_us),
        expires_at=moment(one.expires_us),
        state=one.state(now_us),
        ended_at=moment_or_none(one.ended_us),
        ended_by=one.ended_by,
        actor=one.actor,
        reason=one.reason,
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path="/receipts",
        action=Action.SEE_CASES,
        handle=list_receipts,
        summary="Scan receipts, the newest scan first",
        query=ReceiptsQuery,
        answer=ReceiptPage,
    ),
    Operation(
        method="POST",
        path="/receipts/revocations",
        action=Action.EDIT_REGISTER,
        handle=revoke,
        summary="Revoke a receipt, what a station made, or what was made with certain signatures",
        answer=RevokedBody,
        takes_body=True,
        body=RevocationBody,
    ),
)
