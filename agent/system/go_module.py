"""Which program a file written in Go is, whatever it is called: the main package's path that
the linker writes into it (debug/buildinfo of the Go library; ELF, System V ABI chapter 4).
"""

import struct
from pathlib import Path

_MAGIC = b"\xff Go buildinf:"
_ALIGNED = 16
_INLINE = 0x2  # flags: the strings stand right behind the header
_HEADER = 32
_SEARCHED = 64 << 10
"""Bytes of the data segment in which the header stands, as the Go library searches."""
_STRING_MOST = 16 << 10
_FILES_KEPT = 1024
_ELF = b"\x7fELF\x02\x01"  # 64 bits, little-endian
_PT_LOAD, _WRITABLE = 1, 2
_SEGMENT = struct.Struct("<IIQQQQQQ")


def main_package(file: Path) -> str:
    """Like `github.com/fatedier/frp/cmd/frpc`; empty for anything else, or unreadable."""
    try:
        with file.open("rb") as opened:
            header = opened.read(64)
            if not header.startswith(_ELF):
                return ""
            table, size, count = _segments(header)
            opened.seek(table)
            raw = opened.read(size * count)
            for place in range(0, len(raw) - _SEGMENT.size + 1, size):
                kind, flags, offset, *_ = _SEGMENT.unpack_from(raw, place)
                if kind == _PT_LOAD and flags & _WRITABLE:
                    opened.seek(offset)
                    return package_in(opened.read(_SEARCHED + _STRING_MOST))
    except (OSError, struct.error, ValueError, OverflowError):
        return ""
    return ""


def package_in(segment: bytes) -> str:
    """The main package in the beginning of a data segment; empty without one."""
    place = segment.find(_MAGIC)
    while place >= 0 and place % _ALIGNED:
        place = segment.find(_MAGIC, place + 1)
    if place < 0 or len(segment) < place + _HEADER or not segment[place + 15] & _INLINE:
        return ""
    version_length, after = _varint(segment, place + _HEADER)
    length, start = _varint(segment, after + version_length)
    text = segment[start : start + min(length, _STRING_MOST)].decode("utf-8", "replace")
    for line in text.splitlines():
        key, _, value = line.lstrip("\x00").partition("\t")
        if key.endswith("path"):
            return value
    return ""


def _segments(header: bytes) -> tuple[int, int, int]:
    """Offset, size and count of the program headers."""
    table = struct.unpack_from("<Q", header, 32)[0]
    size, count = struct.unpack_from("<HH", header, 54)
    if size < _SEGMENT.size:
        raise ValueError(size)
    return table, size, min(count, 64)


def _varint(octets: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    number = 0
    for step in range(5):
        octet = octets[place + step] if place + step < len(octets) else 0
        number |= (octet & 0x7F) << (7 * step)
        if not octet & 0x80:
            return number, place + step + 1
    return 0, len(octets)


class ModuleReader:
    """`main_package` of running programs, each file read once while it stays as it is."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._read: dict[tuple[int, int, int, int], str] = {}

    def module_of(self, pid: int) -> str:
        """Empty for a program that is not written in Go, or that has ended."""
        file = self._proc / str(pid) / "exe"  # leads to the file also when it was deleted
        try:
            status = file.stat()
        except OSError:
            return ""
        identity = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        if identity not in self._read:
            if len(self._read) >= _FILES_KEPT:
                self._read.clear()
            self._read[identity] = main_package(file)
        return self._read[identity]
