"""Scan receipts 查杀凭证 as the judge knows them: which are believed, and what ended one.  Pure."""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol, get_args

import msgspec

from checks.facts.receipts import ScanReceipt, SignedReceipt
from checks.receipts import SLACK_US, is_rightly_named
from collector.entries import Revoked

EndedBy = Literal["", "receipt", "station", "signatures", "base", "infected"]
"""It was revoked itself; its station was, or the signatures that it was made with, or what it
extends; malware was found on its medium.  Empty while nothing speaks against it."""
ENDINGS: tuple[EndedBy, ...] = get_args(EndedBy)[1:]
ReceiptState = Literal["in_force", "expired", "doubted", "revoked"]
RECEIPT_STATES: tuple[ReceiptState, ...] = get_args(ReceiptState)
TEXT_LIMIT = 200
"""Characters of what a receipt names; no agent writes longer ones."""

WRONG_NAME = "a receipt's id is not its own"
OTHER_STATION = "a receipt in the name of another station"
WRONG_SIGNATURE = "a receipt is not signed by the station's key"
NO_KEY = "the station's key is not known"
FROM_THE_FUTURE = "a receipt is from the future"
NO_BASE = "a receipt extends one that is not known"
OTHER_MEDIUM = "a receipt extends one of another medium"
TOO_LONG = "a receipt names too much"
NOT_BELIEVED = (
    *(WRONG_NAME, OTHER_STATION, WRONG_SIGNATURE, NO_KEY),
    *(FROM_THE_FUTURE, NO_BASE, OTHER_MEDIUM, TOO_LONG),
)


class LedgerReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that was believed.  `expires_us` is no later than the policy allowed when it
    came; `ended_us` 0 while nothing speaks against it.  `actor` and `reason` are of whoever
    revoked it.
    """

    signed: SignedReceipt
    expires_us: int
    received_us: int
    ended_us: int = 0
    ended_by: EndedBy = ""
    actor: str = ""
    reason: str = ""

    @property
    def receipt(self) -> ScanReceipt:
        return self.signed.receipt

    @property
    def id(self) -> str:
        return self.signed.receipt.id

    @property
    def made_us(self) -> int:
        """When its scan began, no later than it was received: a clock ahead makes nothing newer
        than what ends it.
        """
        return min(self.signed.receipt.scanned_us, self.received_us)

    def state(self, now_us: int) -> ReceiptState:
        if self.ended_us:
            return "doubted" if self.ended_by == "infected" else "revoked"
        return "in_force" if now_us < self.expires_us else "expired"


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """What a person revoked, by which entry and when; see `collector.entries.Revoked`."""

    entry: int
    at_us: int
    done: Revoked


class ReceiptSource(Protocol):
    """What is committed of receipts."""

    def receipt(self, named: str) -> LedgerReceipt | None: ...

    def open_of(self, medium: str, now_us: int) -> list[LedgerReceipt]:
        """Of one medium, neither ended nor expired, the newest first."""

    def covered(self, done: Revoked, until_us: int) -> list[LedgerReceipt]:
        """Those that such a revocation is about, and nothing ended yet."""

    def extending(self, ids: Sequence[str]) -> list[LedgerReceipt]:
        """Those that extend one of these, and nothing ended yet."""

    def revocations_about(self, receipt: ScanReceipt) -> list[Revocation]: ...

    def infected_us(self, medium: str) -> int: ...

    def last_clean_us(self, medium: str) -> int:
        """When the last full scan that found it clean began, 0 for never."""


def why_not_believed(
    signed: SignedReceipt,
    *,
    told_by: str,
    is_signed: bool | None,
    base: ScanReceipt | None,
    received_us: int,
) -> str:
    """Why a receipt does not enter the ledger, empty when it does.  `is_signed` is None where
    the key of `told_by` is not known; `base` what the receipt extends, if that is known.
    """
    receipt = signed.receipt
    told = (receipt.medium, receipt.fingerprint, receipt.engine, receipt.signatures)
    faults = (
        (not receipt.medium or any(len(text) > TEXT_LIMIT for text in told), TOO_LONG),
        (receipt.station != told_by, OTHER_STATION),
        (is_signed is None, NO_KEY),
        (is_signed is False, WRONG_SIGNATURE),
        (not is_rightly_named(receipt), WRONG_NAME),
        (receipt.scanned_us > received_us + SLACK_US, FROM_THE_FUTURE),
        (bool(receipt.extends) and base is None, NO_BASE),
        (base is not None and base.medium != receipt.medium, OTHER_MEDIUM),
    )
    return next((why for is_so, why in faults if is_so), "")


def ended_at_birth(
    new: LedgerReceipt,
    *,
    base: LedgerReceipt | None,
    revocations: Iterable[Revocation],
    infected_us: int,
) -> LedgerReceipt:
    """The receipt as it enters: what was revoked or found before it came counts for it."""
    for revocation in revocations:
        if is_about(revocation.done, new, until_us=revocation.at_us):
            return ended(new, revocation)
    if base is not None and base.ended_us:
        return by_base(new, base)
    if new.made_us <= infected_us:
        return msgspec.structs.replace(new, ended_us=infected_us, ended_by="infected")
    return new


def is_about(done: Revoked, one: LedgerReceipt, *, until_us: int) -> bool:
    """A station is revoked for what it made until now: whoever mended it need not enrol anew."""
    if done.what == "receipt":
        return one.id == done.subject
    if done.what == "signatures":
        return one.receipt.signatures == done.subject
    return one.receipt.station == done.subject and done.since_us <= one.made_us <= until_us


def ended(one: LedgerReceipt, revocation: Revocation) -> LedgerReceipt:
    done = revocation.done
    return msgspec.structs.replace(
        one,
        ended_us=revocation.at_us,
        ended_by=done.what,
        actor=done.actor,
        reason=done.reason,
    )


def by_base(one: LedgerReceipt, base: LedgerReceipt) -> LedgerReceipt:
    """Nothing is better than what it rests on."""
    return msgspec.structs.replace(
        one,
        ended_us=base.ended_us,
        ended_by="infected" if base.ended_by == "infected" else "base",
        actor=base.actor,
        reason=base.reason,
    )
