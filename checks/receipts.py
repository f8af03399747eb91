"""Scan receipts 查杀凭证 as bytes: what names one, what is signed, and what ends one.

Stations, those who re-check, and the collector must come to the same octets.
"""

import hashlib

import msgspec

from checks.facts.receipts import ScanReceipt

RECEIPT_DOMAIN = b"wardwatch receipt 1\0"
"""Put before what is signed, as in `checks.wire`."""
SLACK_US = 5 * 60 * 1_000_000
"""How far a station's clock may be ahead of whoever judges its receipt."""
MANIFEST_LIMIT_BYTES = 8 * 1024 * 1024
"""What is known of the single files of a medium, as it travels; unpacked, four times that."""
MANIFEST_PATH = "/agent/v1/manifests/"

_ENCODER = msgspec.json.Encoder(order="sorted")


def named(receipt: ScanReceipt) -> ScanReceipt:
    """The receipt with the id that its other fields give it."""
    return msgspec.structs.replace(receipt, id=_id_of(receipt))


def is_rightly_named(receipt: ScanReceipt) -> bool:
    return receipt.id == _id_of(receipt)


def signed_octets(receipt: ScanReceipt) -> bytes:
    """What the station signs."""
    return RECEIPT_DOMAIN + _ENCODER.encode(receipt)


def request_octets(method: str, path: str, date: str, body: bytes) -> bytes:
    """What is signed (after `checks.wire.REQUEST_DOMAIN`) of a request that has a body."""
    return f"{method}\n{path}\n{date}\n{hashlib.sha256(body).hexdigest()}".encode()


def why_not_current(
    receipt: ScanReceipt, *, now_us: int, signatures_max_us: int, life_us: int
) -> str:
    """Why a receipt does not count now, empty when it does: `from_the_future`, `expired`, or
    `signatures_old` (they were made longer ago than `signatures_max_us`).  `life_us` is what
    the policy gives a receipt, whatever the station thought.
    """
    if receipt.scanned_us > now_us + SLACK_US:
        return "from_the_future"
    if now_us >= min(receipt.expires_us, receipt.scanned_us + life_us):
        return "expired"
    if now_us - receipt.signatures_at_us > signatures_max_us:
        return "signatures_old"
    return ""


def _id_of(receipt: ScanReceipt) -> str:
    unnamed = msgspec.structs.replace(receipt, id="")
    return hashlib.sha256(RECEIPT_DOMAIN + _ENCODER.encode(unnamed)).hexdigest()
