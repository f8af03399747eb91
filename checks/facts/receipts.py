"""Scan receipts 查杀凭证: this medium with this content was scanned clean."""

from typing import Literal

import msgspec

from checks.facts.base import Fact, Micros, Number


class ScanReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Made by the station (agent) that scanned; never for less than a clean, complete scan
    of every file system of the medium by a current engine.

    `id` is the SHA-256 (hex) of the fields besides it.  `fingerprint` is the content's
    (`agent.media.fingerprint` says what it proves and what not).  `how` the content was
    scanned: `full`, or `changed` files only over the receipt `extends`, or `written` on a
    watched endpoint without any change from outside.  Times are wall clock, microseconds.
    """

    id: str = ""
    medium: str
    fingerprint: str
    files: Number
    bytes: Number
    engine: str
    signatures: str
    signatures_at_us: Micros
    station: str
    how: Literal["full", "changed", "written"] = "full"
    extends: str = ""
    scanned_us: Micros
    expires_us: Micros


class SignedReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """`signature` (hex) by the station's Ed25519 key over the receipt's JSON as encoded by
    msgspec with sorted keys.
    """

    receipt: ScanReceipt
    signature: str


class ReceiptIssued(Fact, frozen=True, kw_only=True, tag="receipt_issued"):
    """A station scanned a medium clean and complete."""

    signed: SignedReceipt
