"""Proxy settings out of dconf's own database: the GVDB format of GLib (gvdb-format.h).

Only what is needed: a hash table of items, each with a key part, a parent, and a value as a
serialised GVariant.  Written by the user, so every offset is checked.
"""

import struct
from collections.abc import Iterator

from agent.system.proxy_text import Setting, script, setting

_SIGNATURE = b"GVariant"
_HEADER = struct.Struct("<8sIIII")
_COUNTS = struct.Struct("<II")
_ITEM = struct.Struct("<IIIHBBII")
_NOBODY = 0xFFFFFFFF
_ITEMS_MOST = 4096
_DEPTH_MOST = 32
_SCHEMES = ("http", "https", "ftp", "socks")
_PROXY_FOLDERS = ("/system/proxy/",)
"""`/system/proxy/` is GNOME's, and the one that UKUI, DDE, MATE and Cinnamon read."""


def from_dconf(octets: bytes) -> Iterator[Setting]:
    """What the database of a user says of proxies, where it says to use one."""
    values = entries(octets)
    for folder in _PROXY_FOLDERS:
        mode = _text(values.get(f"{folder}mode", b""))
        if mode == "auto":
            found = script(_text(values.get(f"{folder}autoconfig-url", b"")))
            if found is not None:
                yield found
        if mode == "manual":
            for scheme in _SCHEMES:
                host = _text(values.get(f"{folder}{scheme}/host", b""))
                port = _number(values.get(f"{folder}{scheme}/port", b""))
                own = setting(f"{host}:{port}", scheme) if host else None
                if own is not None:
                    yield own


def entries(octets: bytes) -> dict[str, bytes]:
    """Values by their whole path, still serialised as variants; empty for anything that is
    no little-endian GVDB file.
    """
    try:
        signature, _, _, start, end = _HEADER.unpack_from(octets)
        if signature != _SIGNATURE:
            return {}
        return _table(octets, start, min(end, len(octets)))
    except struct.error:
        return {}


def _table(octets: bytes, start: int, end: int) -> dict[str, bytes]:
    bloom, buckets = _COUNTS.unpack_from(octets, start)
    first = start + _COUNTS.size + 4 * (bloom & 0x07FFFFFF) + 4 * buckets
    count = min(max(0, end - first) // _ITEM.size, _ITEMS_MOST)
    items = [_ITEM.unpack_from(octets, first + _ITEM.size * number) for number in range(count)]
    found: dict[str, bytes] = {}
    for number, item in enumerate(items):
        if item[4] == ord("v"):
            found[_path(octets, items, number)] = octets[item[6] : item[7]]
    return found


def _path(octets: bytes, items: list[tuple[int, ...]], number: int) -> str:
    parts: list[str] = []
    for _ in range(_DEPTH_MOST):
        _, parent, at, size, *_ = items[number]
        parts.append(octets[at : at + size].decode("utf-8", "replace"))
        if parent == _NOBODY or parent >= len(items):
            break
        number = parent
    return "".join(reversed(parts))


def _text(variant: bytes) -> str:
    """A variant that holds a string: the text, a zero, another zero, the type `s`."""
    value, zero, kind = variant.rpartition(b"\0")
    return value.rstrip(b"\0").decode("utf-8", "replace") if zero and kind == b"s" else ""


def _number(variant: bytes) -> int:
    """A variant that holds a 32-bit number: four bytes, a zero, the type `i`."""
    value, zero, kind = variant.rpartition(b"\0")
    return int.from_bytes(value[:4], "little") if zero and kind == b"i" and len(value) >= 4 else 0
