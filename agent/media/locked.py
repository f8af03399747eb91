"""Archives that are locked by a password, whatever the engine is set to tell: clamd says of them
that they are clean unless its configuration has AlertEncrypted.

Seen are ZIP (APPNOTE 4.4.4), RAR 4 and 5 (technote.txt of unrar) and 7z whose list of files is
locked or plain (7zFormat.txt of the LZMA SDK).  Not seen are a locked archive inside another one
and a 7z whose list is compressed; those the engine alone can tell, where it is set as
`deploy/config/clamd.conf` has it (`wardwatch-agent status` says where it is not).  Pure: `read` gives
bytes at an offset, fewer at the end.
"""

from collections.abc import Callable, Iterator
from typing import Final

Read = Callable[[int, int], bytes]
"""(offset, length) → content."""

HEAD: Final = 1024
"""Bytes at the beginning by which archives and documents are known: a PDF's mark may come late."""
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_SEVEN_ZIP: Final = b"7z\xbc\xaf\x27\x1c"
_RAR4: Final = b"Rar!\x1a\x07\x00"
_RAR5: Final = b"Rar!\x1a\x07\x01\x00"

_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_SIZE: Final = 22
_ZIP_COMMENT_MOST: Final = 0xFFFF
_ZIP_ENTRY: Final = b"PK\x01\x02"
_ZIP_ENTRY_SIZE: Final = 46
_ZIP_LOCKED: Final = 0x0001 | 0x2000  # bit 0: the content; bit 13: the list is masked
_LIST_MOST: Final = 16 << 20  # bytes of a list of files that are looked at
_AES_OF_SEVEN_ZIP: Final = b"\x06\xf1\x07\x01"
_BLOCKS_MOST: Final = 64
_BLOCK_MOST: Final = 4096


def is_locked(head: bytes, size: int, read: Read) -> bool:
    """`head` is the file's beginning, `size` its length in bytes.

    Raises:
        OSError: as `read` does.
    """
    if head.startswith(_ZIP):
        return any(flags & _ZIP_LOCKED for flags in _zip_flags(size, read))
    if head.startswith(_SEVEN_ZIP):
        return _AES_OF_SEVEN_ZIP in _seven_zip_list(read)
    if head.startswith(_RAR5):
        return _rar5_is_locked(read)
    return head.startswith(_RAR4) and _rar4_is_locked(read)


def _zip_flags(size: int, read: Read) -> Iterator[int]:
    tail_size = min(size, _ZIP_END_SIZE + _ZIP_COMMENT_MOST)
    tail = read(size - tail_size, tail_size)
    end = tail.rfind(_ZIP_END)
    if end < 0 or end + _ZIP_END_SIZE > len(tail):
        return
    length = _number(tail, end + 12, 4)
    start = size - tail_size + end - length
    listed = read(start, min(length, _LIST_MOST)) if start >= 0 else b""
    at = 0
    while listed.startswith(_ZIP_ENTRY, at) and at + _ZIP_ENTRY_SIZE <= len(listed):
        yield _number(listed, at + 8, 2)
        at += _ZIP_ENTRY_SIZE + sum(_number(listed, at + field, 2) for field in (28, 30, 32))


def _seven_zip_list(read: Read) -> bytes:
    start = read(0, 32)
    offset, length = _number(start, 12, 8), _number(start, 20, 8)
    return read(32 + offset, min(length, _LIST_MOST)) if offset < 1 << 62 else b""


def _rar4_is_locked(read: Read) -> bool:
    at = len(_RAR4)
    for _ in range(_BLOCKS_MOST):
        block = read(at, 11)
        if len(block) < 7:
            return False
        kind, flags = block[2], _number(block, 3, 2)
        if (kind == 0x73 and flags & 0x80) or (kind == 0x74 and flags & 0x04):
            return True
        at += max(7, _number(block, 5, 2)) + (_number(block, 7, 4) if flags & 0x8000 else 0)
    return False


def _rar5_is_locked(read: Read) -> bool:
    at = len(_RAR5)
    for _ in range(_BLOCKS_MOST):
        block = read(at, _BLOCK_MOST)
        size, begin = _varied(block, 4)  # after the checksum
        kind, next_field = _varied(block, begin)
        flags, next_field = _varied(block, next_field)
        if not size:
            return False
        extra, next_field = _varied(block, next_field) if flags & 1 else (0, next_field)
        content, next_field = _varied(block, next_field) if flags & 2 else (0, next_field)
        if kind == 4 or (kind == 2 and _has_key(block[begin + size - extra : begin + size])):
            return True
        at += begin + size + content
    return False


def _has_key(extra: bytes) -> bool:
    at = 0
    while at < len(extra):
        size, begin = _varied(extra, at)
        if _varied(extra, begin)[0] == 1:  # file encryption record
            return True
        at = begin + max(size, 1)
    return False


def _varied(block: bytes, at: int) -> tuple[int, int]:
    """RAR 5's numbers: seven bits in each byte, the last one without the eighth."""
    value = 0
    for place in range(10):
        if at + place >= len(block):
            break
        value |= (block[at + place] & 0x7F) << (7 * place)
        if block[at + place] < 0x80:
            return value, at + place + 1
    return 0, len(block)


def _number(block: bytes, at: int, length: int) -> int:
    return int.from_bytes(block[at : at + length], "little")
