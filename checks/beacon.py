"""What agent and beacon say to each other, and what they sign.  Pure; no cryptography here.

The beacon knows the collector's public key and nothing else of the hospital.  The collector
gives each agent, in its signed policy document, a *pass*: its signature over the agent's own
key and an end.  The agent makes a nonce, signs it with that key, and sends both.  The beacon
answers only what both signatures prove and what was asked just now, with a receipt that it
signs; to anybody else it says nothing at all.  A nonce that comes again gets the same receipt.

Every signature is Ed25519 over a domain of its own and the fields in fixed lengths, so none can
be used for another purpose.
"""

import msgspec

PASS_DOMAIN = b"wardwatch beacon pass 1\0"
ASK_DOMAIN = b"wardwatch beacon ask 1\0"
RECEIPT_DOMAIN = b"wardwatch beacon receipt 1\0"
NONCE_BYTES = 32
FRESH_US = 3600 * 1_000_000
"""How far the clock of a workstation may be off; for so long the beacon knows nonces again."""
BODY_LIMIT = 2_048
"""Bytes of a question and of an answer."""
PATH = "/"


class BeaconPass(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is the agent's public key, `signature` the collector's over `signed_pass`."""

    key: str
    until_us: int
    signature: str


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`signature` is the agent's over `signed_ask`."""

    bearer: BeaconPass
    nonce: str
    asked_us: int
    signature: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What the beacon saw: whose nonce, when by its own clock, from which address."""

    nonce: str
    key: str
    at_us: int
    seen_from: str


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """`receipt` is the JSON of a Receipt in hex, `signature` the beacon's over its bytes."""

    receipt: str
    signature: str


class BadReceipt(ValueError):
    """A receipt that proves nothing; the message says why."""


def signed_pass(key: str, until_us: int) -> bytes:
    """Raises ValueError for a key that is no hex, OverflowError for no moment."""
    return PASS_DOMAIN + bytes.fromhex(key) + until_us.to_bytes(8, "big")


def signed_ask(nonce: str, asked_us: int) -> bytes:
    """Raises ValueError, OverflowError."""
    return ASK_DOMAIN + bytes.fromhex(nonce) + asked_us.to_bytes(8, "big")


def read_receipt(receipt: str, *, nonce: str, at_us: int, key: str = "") -> Receipt:
    """The receipt, when it is for this nonce and of this time (wall clock, us), and, where
    the asker's `key` is known, was given to him.

    The signature is verified by whoever has the key: over `RECEIPT_DOMAIN` and the bytes.

    Raises:
        BadReceipt.
    """
    try:
        read = msgspec.json.decode(bytes.fromhex(receipt), type=Receipt)
    except (msgspec.DecodeError, ValueError, RecursionError) as broken:
        raise BadReceipt(f"not a receipt: {broken}") from broken
    if key and read.key != key:
        raise BadReceipt("a receipt for another asker")
    if read.nonce != nonce:
        raise BadReceipt("a receipt for another question")
    if abs(read.at_us - at_us) > FRESH_US:
        raise BadReceipt("a receipt of another time")
    return read


def address_of(url: str) -> tuple[str, int]:
    """Address and port of `http://203.0.113.5:8080/`; port 80 where it says none."""
    rest = url.removeprefix("http://").rstrip("/")
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        return host, int(port.removeprefix(":") or 80)
    host, _, port = rest.partition(":")
    return host, int(port or 80)
