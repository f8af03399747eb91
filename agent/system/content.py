"""The content of an open file."""

import hashlib
import os

from agent.system.tree import OpenFile

_CHUNK = 1 << 18


def content_hash(file: OpenFile) -> str:
    """SHA-256 in hex, empty when it cannot be read; the file's position stays at 0."""
    digest = hashlib.sha256()
    offset = 0
    try:
        while chunk := os.pread(file.descriptor, _CHUNK, offset):
            digest.update(chunk)
            offset += len(chunk)
    except OSError:
        return ""
    return digest.hexdigest()


def close(file: OpenFile) -> None:
    os.close(file.descriptor)
