"""Entries of the journal as values: the door between bytes and the judge."""

import msgspec

from checks.wire import UNPACKED_LIMIT_BYTES, Malformed, ReadBatch, decode_batch, place_of
from collector.entries import BODIES, EntryKind
from collector.packing import TooLarge, Unpackable, unpacked
from collector.ports import Entry

Body = msgspec.Struct


class Unreadable(Exception):
    """An entry that nobody here can read; the message says where it breaks."""


def read_batch(entry: Entry) -> ReadBatch:
    """The agent's batch of this entry.

    Raises:
        Unreadable: not zstd, larger than a batch may be, or not a batch.
    """
    try:
        return decode_batch(_unpacked(entry.body))
    except Malformed as malformed:
        raise Unreadable(str(malformed)) from malformed


def read_body(entry: Entry) -> Body:
    """The body of any other entry, by its kind.

    Raises:
        Unreadable: a kind of a later version, or a body that does not fit its kind.
    """
    kind = BODIES.get(EntryKind(entry.kind))
    if kind is None:
        raise Unreadable(f"kind {entry.kind} has no body")
    try:
        return msgspec.json.decode(entry.body, type=kind)
    except msgspec.DecodeError as broken:
        raise Unreadable(place_of(broken)) from broken


def _unpacked(body: bytes) -> bytes:
    try:
        return unpacked(body, limit=UNPACKED_LIMIT_BYTES)
    except (Unpackable, TooLarge) as broken:
        raise Unreadable(str(broken)) from broken
