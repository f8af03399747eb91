"""Whether an encrypted PDF opens without a password, as those do whose key only forbids to print or
copy: an engine looks into these.

The security handlers of revision 2 to 5 (ISO 32000-1, 7.6.3; Adobe's supplement of 2008).  Revision
6 needs AES for the answer: such a document counts as locked, whether it is or not.  Pure.
"""

import hashlib
import re
from typing import Final

_PADDING: Final = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_NUMBER: Final = r"/{}\s*(-?\d{{1,11}})\b"
_STRING: Final = r"/{}\s*\[?\s*(?=[<(])"
_NOT_METADATA: Final = re.compile(rb"/EncryptMetadata\s+false\b")
_ESCAPED: Final = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\r\n])|(.))", re.DOTALL)
_MEANT: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def opens_without(dictionary: bytes, trailer: bytes) -> bool:
    """`dictionary` begins with that of /Encrypt, `trailer` with /ID.  What cannot be read does
    not open.
    """
    revision, version = _number(dictionary, "R"), _number(dictionary, "V")
    user, owner = _string(dictionary, "U"), _string(dictionary, "O")
    if revision == 5:
        return len(user) >= 48 and hashlib.sha256(user[32:40]).digest() == user[:32]
    if revision not in (2, 3, 4) or len(user) < 32 or len(owner) < 32:
        return False
    length = {1: 5, 4: 16}.get(version, (_number(dictionary, "Length") or 40) // 8)
    first = _string(trailer, "ID")
    key = _key(dictionary, owner[:32], first, min(max(length, 5), 16))
    if revision == 2:
        return _rc4(key, _PADDING) == user[:32]
    proof = _rc4(key, _md5(_PADDING + first))
    for turn in range(1, 20):
        proof = _rc4(bytes(octet ^ turn for octet in key), proof)
    return proof == user[:16]


def _key(dictionary: bytes, owner: bytes, first: bytes, length: int) -> bytes:
    """Algorithm 2 with the empty password."""
    rights = (_number(dictionary, "P") & 0xFFFFFFFF).to_bytes(4, "little")
    revision = _number(dictionary, "R")
    bare = revision >= 4 and _NOT_METADATA.search(dictionary)
    digest = _md5(_PADDING + owner + rights + first + (b"\xff" * 4 if bare else b""))
    for _ in range(50 if revision >= 3 else 0):
        digest = _md5(digest[:length])
    return digest[:length]


def _rc4(key: bytes, content: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for octet in content:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(octet ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def _number(dictionary: bytes, name: str) -> int:
    """0 where it is not told."""
    found = re.search(_NUMBER.format(name).encode(), dictionary)
    return int(found[1]) if found else 0


def _string(dictionary: bytes, name: str) -> bytes:
    """The first of several; empty where it is not told."""
    found = re.search(_STRING.format(name).encode(), dictionary)
    if found is None:
        return b""
    rest = dictionary[found.end() :]
    return _hexadecimal(rest) if rest.startswith(b"<") else _literal(rest)


def _hexadecimal(rest: bytes) -> bytes:
    digits = re.sub(rb"[^0-9A-Fa-f]", b"", rest[1:].partition(b">")[0]).decode("ascii")
    return bytes.fromhex(digits + "0" * (len(digits) % 2))


def _literal(rest: bytes) -> bytes:
    """Up to the bracket that closes the first one: 7.3.4.2."""
    depth, at = 0, 0
    while at < len(rest):
        if rest[at : at + 1] == b"\\":
            at += 1
        else:
            depth += {b"(": 1, b")": -1}.get(rest[at : at + 1], 0)
        at += 1
        if depth == 0:
            break
    return _ESCAPED.sub(_unescaped, rest[1 : at - 1])


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([int(found[1], 8) & 0xFF])
    return b"" if found[2] else _MEANT.get(found[3], found[3])
