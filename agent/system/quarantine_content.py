"""Contents as they lie in the quarantine: no program, and nothing that an engine knows.

Behind a first line of ours every octet is replaced by another, by a fixed table.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

FIRST_LINE = b"wardwatch quarantine 1: no program, every octet n is 167 n + 91 mod 256\n"
_MASK = bytes((167 * octet + 91) % 256 for octet in range(256))
_UNMASK = bytes(_MASK.index(octet) for octet in range(256))
_CHUNK = 1 << 20


class ContentChanged(Exception):
    """It is not, or not any more, what its SHA-256 says."""


class Interrupted(Exception):
    """It was not wanted any more before all was copied."""


def write_masked(source: int, target: int, sha256: str, still: Callable[[], bool]) -> None:
    """Copies one open file to another; `still` is asked between chunks.

    Raises:
        Interrupted
        ContentChanged: the source is not what its SHA-256 says.
        OSError
    """
    _write_all(target, FIRST_LINE)
    for chunk in _right(_chunks(source, still), sha256):
        _write_all(target, chunk.translate(_MASK))


def write_unmasked(path: Path, target: int, sha256: str) -> None:
    """Writes the content as it was to an open file.  Raises ContentChanged, OSError."""
    for chunk in _right(_unmasked(path), sha256):
        _write_all(target, chunk)


def compare(descriptor: int, sha256: str, still: Callable[[], bool]) -> None:
    """Raises as `write_masked`."""
    for _ in _right(_chunks(descriptor, still), sha256):
        pass


def is_intact(path: Path, sha256: str) -> bool:
    """Raises OSError."""
    try:
        for _ in _right(_unmasked(path), sha256):
            pass
    except ContentChanged:
        return False
    return True


def _right(chunks: Iterable[bytes], sha256: str) -> Iterator[bytes]:
    """The chunks; raises ContentChanged after the last, where they are not what it says."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise ContentChanged(f"{sha256} reads otherwise")


def _unmasked(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stored:
        if stored.read(len(FIRST_LINE)) != FIRST_LINE:
            raise ContentChanged(f"{path.name} does not begin as it should")
        while chunk := stored.read(_CHUNK):
            yield chunk.translate(_UNMASK)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _chunks(descriptor: int, still: Callable[[], bool]) -> Iterator[bytes]:
    offset = 0
    while chunk := os.pread(descriptor, _CHUNK, offset):
        if not still():
            raise Interrupted
        yield chunk
        offset += len(chunk)
