"""Documents that are locked by a password: an engine that cannot look into them finds nothing.

Seen are Office files that [MS-OFFCRYPTO] wraps whole (a stream `EncryptedPackage`), Word, Excel and
PowerPoint files of before 2007 ([MS-DOC] 2.5.1, [MS-XLS] 2.4.117, [MS-OFFCRYPTO] 2.3.5.4), and
PDF with an /Encrypt (ISO 32000-1, 7.6) that the empty password does not open.  Pure: `read` gives
bytes at an offset, fewer at the end.
"""

import re
from collections.abc import Iterator
from typing import Final

from agent.media.locked import Read
from agent.media.pdf_password import opens_without

_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENTRY: Final = 128  # bytes of a directory entry: [MS-CFB] 2.6.1
_STREAM: Final = 2
_MINI_CUTOFF: Final = 4096  # shorter streams lie elsewhere
_WHOLLY_LOCKED: Final = ("EncryptedPackage", "EncryptedSummary")
_NAMES: Final = {
    name.encode("utf-16-le"): name for name in (*_WHOLLY_LOCKED, "WordDocument", "Workbook", "Book")
}
_NAME: Final = re.compile(b"|".join(re.escape(name) + rb"\0\0" for name in _NAMES))
_WORD: Final = 0xA5EC
_WORD_LOCKED: Final = 0x0100
_FILE_PASS: Final = 0x002F
_RECORDS_MOST: Final = 16

_PDF: Final = b"%PDF-"
_ENCRYPT: Final = re.compile(rb"/Encrypt\s{0,16}(?:(\d{1,10})\s{1,16}(\d{1,5})\s{1,16}R|<<)")
_ID: Final = re.compile(rb"/ID\s{0,16}\[\s{0,16}(?=[<(])")
_DICTIONARY_MOST: Final = 8192

_BLOCK: Final = 1 << 20
_OVERLAP: Final = 256  # longer than anything that is looked for


def is_locked_document(head: bytes, size: int, read: Read) -> bool:
    """`head` is the file's beginning, `size` its length in bytes.

    Raises:
        OSError: as `read` does.
    """
    if head.startswith(_COMPOUND):
        return _compound_is_locked(head, size, read)
    return _PDF in head and _pdf_is_locked(size, read)


def _compound_is_locked(head: bytes, size: int, read: Read) -> bool:
    """Its directory is looked for by its entries, which lie at multiples of their length
    whatever way its chains of sectors go.
    """
    sector = 1 << min(_number(head, 30, 2), 20)
    for at, found in _matches(_NAME, size, read):
        entry = read(at, _ENTRY)
        name = _NAMES[found[0][:-2]]
        if at % _ENTRY or not _is_stream(entry, name):
            continue
        start = (_number(entry, 116, 4) + 1) * sector
        if name in _WHOLLY_LOCKED or _stream_is_locked(name, read(start, min(sector, 512))):
            return True
    return False


def _is_stream(entry: bytes, name: str) -> bool:
    told = _number(entry, 64, 2) == 2 * len(name) + 2 and entry[66:67] == bytes([_STREAM])
    return told and (name in _WHOLLY_LOCKED or _number(entry, 120, 4) >= _MINI_CUTOFF)


def _stream_is_locked(name: str, beginning: bytes) -> bool:
    if name == "WordDocument":
        return _number(beginning, 0, 2) == _WORD and bool(_number(beginning, 10, 2) & _WORD_LOCKED)
    at = 0
    for _ in range(_RECORDS_MOST):
        if at + 4 > len(beginning):
            break
        if _number(beginning, at, 2) == _FILE_PASS:
            return True
        at += 4 + _number(beginning, at + 2, 2)
    return False


def _pdf_is_locked(size: int, read: Read) -> bool:
    """By the last trailer that names a key."""
    named = [*_matches(_ENCRYPT, size, read)][-1:]
    if not named:
        return False
    at, found = named[0]
    if found[1]:
        at = _object_at(int(found[1]), int(found[2]), size, read)
    ids = [each for each, _ in _matches(_ID, size, read)][-1:]
    told = read(ids[0], _DICTIONARY_MOST) if ids else b""
    return at < 0 or not opens_without(read(at, _DICTIONARY_MOST), told)


def _object_at(number: int, generation: int, size: int, read: Read) -> int:
    """Negative where there is none."""
    beginning = re.compile(rb"(?<!\d)0{0,9}%d\s{1,16}0{0,4}%d\s{1,16}obj\b" % (number, generation))
    return max((at for at, _ in _matches(beginning, size, read)), default=-1)


def _matches(
    pattern: re.Pattern[bytes], size: int, read: Read
) -> Iterator[tuple[int, re.Match[bytes]]]:
    """With their offsets."""
    for start in range(0, size, _BLOCK):
        block = read(start, _BLOCK + _OVERLAP)
        for found in pattern.finditer(block):
            if found.start() < _BLOCK:
                yield start + found.start(), found


def _number(block: bytes, at: int, length: int) -> int:
    return int.from_bytes(block[at : at + length], "little")
