"""What is remembered of a medium's content, file by file, so that a change is found again.

A manifest belongs to one receipt: the receipt's `fingerprint` is the SHA-256 of its octets.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from agent.compression import pack_well, unpack_within
from checks.receipts import MANIFEST_LIMIT_BYTES

_UNPACKED_LIMIT = 4 * MANIFEST_LIMIT_BYTES


class NoManifest(Exception):
    """Octets that are no manifest, or not the one that a receipt speaks of."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file system of the medium: `place` tells it from the medium's others, `boot` is of
    what lies before its files, `marks` of every regular file by its
    name's (`name_mark`).  `secret` as in
    `agent.media.fingerprint`; `strict` says that the marks are of every octet.
    """

    place: str
    secret: bytes
    strict: bool
    filesystem: str
    boot: bytes
    marks: Mapping[bytes, bytes]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    version: int = 1
    parts: tuple[Part, ...]

    def part(self, place: str) -> Part | None:
        return next((part for part in self.parts if part.place == place), None)

    @property
    def files(self) -> int:
        return sum(len(part.marks) for part in self.parts)


def unpacked_octets(manifest: Manifest) -> bytes:
    return msgspec.msgpack.encode(manifest)


def fingerprint_of(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def packed(octets: bytes) -> bytes:
    return pack_well(octets)


def opened(body: bytes, fingerprint: str) -> Manifest:
    """The manifest that a receipt with this fingerprint speaks of.

    Raises:
        NoManifest: it is not, or too large.
    """
    octets = unpack_within(body, _UNPACKED_LIMIT)
    if octets is None:
        raise NoManifest("no zstd, or too large")
    if fingerprint_of(octets) != fingerprint:
        raise NoManifest("not what the receipt was made of")
    try:
        return msgspec.msgpack.decode(octets, type=Manifest)
    except msgspec.DecodeError as strange:
        raise NoManifest(str(strange)) from strange
