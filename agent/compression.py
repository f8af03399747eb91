"""zstd as this Python has it: its own from 3.14 on, the same module backported before."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1
"""Best ratio for its cost on batches of observations, by measurement."""
_WELL = 6


def pack(body: bytes) -> bytes:
    packed: bytes = zstd.compress(body, LEVEL)
    return packed


def unpack(packed: bytes) -> bytes:
    """Raises zstd.ZstdError for what is no zstd frame."""
    body: bytes = zstd.decompress(packed)
    return body


def pack_well(body: bytes) -> bytes:
    """Smaller and slower, for what is kept and sent over and over."""
    packed: bytes = zstd.compress(body, _WELL)
    return packed


def unpack_within(packed: bytes, limit: int) -> bytes | None:
    """At most `limit` octets; None for what is no whole zstd frame, or holds more."""
    unpacker = zstd.ZstdDecompressor()
    try:
        body: bytes = unpacker.decompress(packed, max_length=limit)
    except zstd.ZstdError:
        return None
    return body if unpacker.eof else None
