"""GLib's hash tables in files (gvdb-format.h): what dconf keeps, and compiled schemas.

Looked up by hash as GLib does it, so that what it would not find is not found here.  Files of
users may hold anything: every offset is checked, and nothing is read without end.
"""

import struct
from typing import NamedTuple

_SIGNATURE = b"GVariant"
_HEADER = struct.Struct("<8sIIII")
_COUNTS = struct.Struct("<II")
_NUMBER = struct.Struct("<I")
_ITEM = struct.Struct("<IIIHBBII")
_NOBODY = 0xFFFFFFFF
_BLOOM_WORDS = 0x07FFFFFF  # the upper bits are the bloom filter's shift
_DEPTH_MOST = 32
_BUCKET_MOST = 256
_VALUE, _TABLE = ord("v"), ord("H")


class Table(NamedTuple):
    """A hash table between two offsets of a file's octets."""

    octets: bytes
    start: int
    end: int


class _Item(NamedTuple):
    hash: int
    parent: int
    key_start: int
    key_size: int
    kind: int
    unused: int
    start: int
    end: int


def opened(octets: bytes) -> Table | None:
    """The outermost table; None for anything that is no little-endian GVDB file."""
    try:
        signature, _, _, start, end = _HEADER.unpack_from(octets)
    except struct.error:
        return None
    return Table(octets, start, min(end, len(octets))) if signature == _SIGNATURE else None


def value(table: Table, key: str) -> bytes | None:
    """What stands there, a variant still serialised; None where nothing does."""
    item = _found(table, key.encode(), _VALUE)
    return table.octets[item.start : item.end] if item else None


def inner(table: Table, key: str) -> Table | None:
    """A table within this one."""
    item = _found(table, key.encode(), _TABLE)
    return Table(table.octets, item.start, min(item.end, len(table.octets))) if item else None


def holds_true(variant: bytes) -> bool | None:
    """A boolean, or a tuple that begins with one as in schemas; None for other types.  A
    variant ends with a zero and its type: GVariant's specification, 2.4.
    """
    held, zero, kind = variant.rpartition(b"\0")
    if not zero or not held or not (kind == b"b" or kind.startswith(b"(b")):
        return None
    return held[0] != 0


def holds_names(variant: bytes) -> bool | None:
    """Whether a list of strings, or a tuple of one, names anything; None for other types."""
    held, zero, kind = variant.rpartition(b"\0")
    return bool(held) if zero and kind in (b"as", b"(as)") else None


def text(variant: bytes) -> str:
    """A string, or a tuple of one; empty for other types."""
    held, zero, kind = variant.rpartition(b"\0")
    return (
        held.split(b"\0")[0].decode("utf-8", "replace") if zero and kind in (b"s", b"(s)") else ""
    )


def _found(table: Table, key: bytes, kind: int) -> _Item | None:
    try:
        return _looked_up(table, key, kind)
    except struct.error:
        return None


def _looked_up(table: Table, key: bytes, kind: int) -> _Item | None:
    bloom, buckets = _COUNTS.unpack_from(table.octets, table.start)
    heads = table.start + _COUNTS.size + 4 * (bloom & _BLOOM_WORDS)
    first = heads + 4 * buckets
    count = max(0, table.end - first) // _ITEM.size
    if not buckets:
        return None
    wanted = _hash(key)
    bucket = wanted % buckets
    (begin,) = _NUMBER.unpack_from(table.octets, heads + 4 * bucket)
    last = bucket == buckets - 1
    end = count if last else _NUMBER.unpack_from(table.octets, heads + 4 * (bucket + 1))[0]
    for number in range(begin, min(end, count, begin + _BUCKET_MOST)):
        item = _item(table, first, number)
        if item.hash == wanted and item.kind == kind and _key(table, first, count, item) == key:
            return item
    return None


def _item(table: Table, first: int, number: int) -> _Item:
    return _Item(*_ITEM.unpack_from(table.octets, first + _ITEM.size * number))


def _key(table: Table, first: int, count: int, item: _Item) -> bytes:
    """The parts of its ancestors and its own, in order."""
    parts: list[bytes] = []
    for _ in range(_DEPTH_MOST):
        parts.append(table.octets[item.key_start : item.key_start + item.key_size])
        if item.parent == _NOBODY or item.parent >= count:
            break
        item = _item(table, first, item.parent)
    return b"".join(reversed(parts))


def _hash(key: bytes) -> int:
    """Bernstein's, of signed characters: djb_hash in gvdb-reader.c."""
    number = 5381
    for octet in key:
        number = (number * 33 + (octet if octet < 0x80 else octet - 0x100)) & 0xFFFFFFFF
    return number
