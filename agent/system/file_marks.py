"""The mark of one open file (`agent.media.fingerprint` says what it proves)."""

import contextlib
import errno
import hashlib
import os
import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from agent.media.fingerprint import KEEP_CHANGE_TIME, MARK_SIZE, Sampling, blocks_of

_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_BLOCK = 512  # st_blocks counts in these: stat(3type)
_ASKED_FOR = 256 << 10
"""Octets of a block that are asked for beforehand; the rest comes by reading ahead."""
_CHUNK = 256 << 10
_STATUS = struct.Struct("!qqqQQ")
_PLACE = struct.Struct("!qq")

Blocks = Sequence[tuple[int, int]]
"""(offset, length) each."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """How marks are made; `filesystem` is the kernel's name of its type."""

    secret: bytes
    filesystem: str
    strict: bool = False


class Opened(msgspec.Struct, frozen=True):
    """Whoever takes it closes `descriptor`."""

    path: bytes
    descriptor: int
    status: os.stat_result
    blocks: Blocks

    def ask_for_blocks(self) -> None:
        """They come while others are read."""
        for offset, length in self.blocks:
            wanted = min(length, _ASKED_FOR)
            os.posix_fadvise(self.descriptor, offset, wanted, os.POSIX_FADV_WILLNEED)


def opened(name: bytes, folder: int, path: bytes, reading: Reading, sampling: Sampling) -> Opened:
    """Raises OSError."""
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        blocks = blocks_of(path, status.st_size, sampling, reading.secret)
    except BaseException:
        os.close(descriptor)
        raise
    return Opened(path, descriptor, status, blocks)


def mark_of(one: Opened, reading: Reading) -> bytes:
    """Raises OSError, EIO also where the file is shorter than it said."""
    blocks = _without_holes(one)
    digest = hashlib.sha256(_header(one.status, reading, blocks))
    for offset, length in blocks:
        _take_in(digest, one.descriptor, offset, length)
    return digest.digest()[:MARK_SIZE]


def _header(status: os.stat_result, reading: Reading, blocks: Blocks) -> bytes:
    lasting = reading.filesystem in KEEP_CHANGE_TIME
    told = _STATUS.pack(
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns if lasting else 0,
        status.st_ino if lasting else 0,
        len(blocks),
    )
    return b"".join((reading.secret, told, *(_PLACE.pack(*block) for block in blocks)))


def _take_in(digest: "hashlib._Hash", descriptor: int, offset: int, length: int) -> None:
    while length:
        octets = os.pread(descriptor, min(length, _CHUNK), offset)
        if not octets:
            raise OSError(errno.EIO, "the file ended too early")
        digest.update(octets)
        offset += len(octets)
        length -= len(octets)


def _without_holes(one: Opened) -> Blocks:
    """Only a file that is read whole is asked where it has holes."""
    sparse = len(one.blocks) == 1 and one.status.st_blocks * _BLOCK < one.status.st_size
    return _filled(one.descriptor, *one.blocks[0]) if sparse else one.blocks


def _filled(descriptor: int, offset: int, length: int) -> Blocks:
    """The parts of a range that are no holes: lseek(2)."""
    parts: list[tuple[int, int]] = []
    end = offset + length
    with contextlib.suppress(OSError):  # ENXIO: nothing but a hole from here on
        while offset < end:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
            if start >= end:
                break
            offset = min(end, os.lseek(descriptor, start, os.SEEK_HOLE))
            parts.append((start, offset - start))
    return parts
