"""Contents as they lie in the quarantine: no program, and nothing that an engine knows.

Behind a first line of ours every octet is replaced by another, by a fixed table.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
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
    digest = hashlib.sha256()
    write_all(target, FIRST_LINE)
    for chunk in _chunks(source, still):
        digest.update(chunk)
        write_all(target, chunk.translate(_MASK))
    check_digest(digest.hexdigest(), sha256)


def compare(descriptor: int, sha256: str, still: Callable[[], bool]) -> None:
    """Raises as `write_masked`."""
    digest = hashlib.sha256()
    for chunk in _chunks(descriptor, still):
        digest.update(chunk)
    check_digest(digest.hexdigest(), sha256)


def is_intact(path: Path, sha256: str) -> bool:
    """Raises OSError."""
    digest = hashlib.sha256()
    try:
        for chunk in unmasked(path):
            digest.update(chunk)
    except ContentChanged:
        return False
    return digest.hexdigest() == sha256


def unmasked(path: Path) -> Iterator[bytes]:
    """The content as it was.  Raises ContentChanged, OSError."""
    with path.open("rb") as stored:
        if stored.read(len(FIRST_LINE)) != FIRST_LINE:
            raise ContentChanged(f"{path.name} does not begin as it should")
        while chunk := stored.read(_CHUNK):
            yield chunk.translate(_UNMASK)


def check_digest(found: str, sha256: str) -> None:
    """Raises ContentChanged."""
    if found != sha256:
        raise ContentChanged(f"{sha256} reads otherwise")


def write_all(descriptor: int, content: bytes) -> None:
    """Raises OSError."""
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
