import io
import zipfile

import pytest

from agent.media.locked import HEAD, is_locked

RAR5 = b"Rar!\x1a\x07\x01\x00"
RAR4 = b"Rar!\x1a\x07\x00"


def zipped(*, locked):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("open.txt", "x")
        archive.writestr("second.txt", "y" * 50)
        archive.comment = b"a comment"
    content = bytearray(whole.getvalue())
    if locked:
        content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def seven_zip(listed):
    start = len(b"content").to_bytes(8, "little") + len(listed).to_bytes(8, "little")
    return b"7z\xbc\xaf\x27\x1c\0\x04" + b"\0" * 4 + start + b"\0" * 4 + b"content" + listed


def rar5(kind, extra=b""):
    main = b"\0\0\0\0" + bytes([3, 1, 0, 0])
    inner = bytes([kind, 1 if extra else 0]) + (bytes([len(extra)]) if extra else b"") + extra
    return RAR5 + main + b"\0\0\0\0" + bytes([len(inner)]) + inner


def rar4(kind, flags):
    block = b"\0\0" + bytes([kind]) + flags.to_bytes(2, "little") + (13).to_bytes(2, "little")
    return RAR4 + block + b"\0" * 6


@pytest.mark.parametrize(
    ("what", "content", "locked"),
    [
        ("zip", zipped(locked=False), False),
        ("zip, one of two", zipped(locked=True), True),
        ("zip, cut off", zipped(locked=True)[:-40], False),
        ("zip, empty", b"PK\x05\x06" + b"\0" * 18, False),
        ("zip with a list before its beginning", b"PK\x05\x06" + b"\0" * 8 + b"\xff" * 10, False),
        ("7z", seven_zip(b"\x01\x04\x06\x00"), False),
        ("7z with AES", seven_zip(b"\x17\x06\x24\x06\xf1\x07\x01"), True),
        ("7z, cut off", b"7z\xbc\xaf\x27\x1c", False),
        ("rar 5", rar5(2), False),
        ("rar 5, locked list", rar5(4), True),
        ("rar 5, locked file", rar5(2, b"\x02\x01\x00"), True),
        ("rar 5, cut off", RAR5 + b"\xff" * 30, False),
        ("rar 4", rar4(0x74, 0), False),
        ("rar 4, locked list", rar4(0x73, 0x80), True),
        ("rar 4, locked file", rar4(0x74, 0x04), True),
        ("no archive", b"plain text", False),
        ("nothing", b"", False),
    ],
)
def test_archives_with_a_password_are_known_by_their_headers(what, content, locked):
    def read(offset, length):
        return content[offset : offset + length]

    assert is_locked(content[:HEAD], len(content), read) is locked, what
