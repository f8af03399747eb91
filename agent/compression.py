"""zstd as this Python has it: its own from 3.14 on, the same module backported before."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 1
"""Best ratio for its cost on batches of observations, by measurement."""


def pack(body: bytes) -> bytes:
    packed: bytes = zstd.compress(body, LEVEL)
    return packed


def unpack(packed: bytes) -> bytes:
    """Raises zstd.ZstdError for what is no zstd frame."""
    body: bytes = zstd.decompress(packed)
    return body
