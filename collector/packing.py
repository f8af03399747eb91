"""Bodies as they came, unpacked within bounds: a small body must not fill the memory."""

from backports import zstd

_WINDOW_LOG_LIMIT = 25
"""A frame may ask for a window of 32 MiB at most, the size of the largest batch."""
_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_LIMIT}


class Unpackable(Exception):
    """The body is no whole zstd frame."""


class TooLarge(Exception):
    """The body unpacks to more than the limit."""


def is_packed(body: bytes) -> bool:
    """A batch in JSON begins with a bracket and a zstd frame (RFC 8878, 3.1.1) never does."""
    return body.lstrip()[:1] not in (b"{", b"[")


def unpacked(body: bytes, *, limit: int) -> bytes:
    """The JSON of a batch, from zstd or as it is.

    Raises:
        Unpackable, TooLarge.
    """
    if not is_packed(body):
        if len(body) > limit:
            raise TooLarge(f"more than {limit} bytes")
        return body
    unpacker = zstd.ZstdDecompressor(options=_OPTIONS)
    try:
        content: bytes = unpacker.decompress(body, limit + 1)
    except zstd.ZstdError as broken:
        raise Unpackable(f"not zstd: {broken}") from broken
    if len(content) > limit:
        raise TooLarge(f"unpacks to more than {limit} bytes")
    if not unpacker.eof:
        raise Unpackable("the zstd frame is cut off")
    if unpacker.unused_data:
        raise Unpackable("something follows the zstd frame")
    return content
