"""What a SCSI device says of itself in its vital product data (SPC-4, 7.8)."""

_HEADER = 4
_UNIT_SERIAL, _DEVICE_IDENTIFICATION = 0x80, 0x83
_NAMES = {2: "eui", 3: "naa"}
"""Designator types that name one unit in the whole world."""


def unit_serial(page: bytes) -> str:
    """Of page 80h; empty where it is none, or blank."""
    if not _is_page(page, _UNIT_SERIAL):
        return ""
    told = page[_HEADER : _HEADER + _length(page)]
    return "".join(chr(octet) for octet in told if 0x20 < octet < 0x7F)


def unit_name(page: bytes) -> str:
    """The logical unit's own EUI-64 or NAA of page 83h as `naa.5000…`, the strongest of
    them; empty without one.
    """
    if not _is_page(page, _DEVICE_IDENTIFICATION):
        return ""
    found: dict[int, str] = {}
    at, end = _HEADER, min(len(page), _HEADER + _length(page))
    while at + _HEADER <= end:
        kind, association = page[at + 1] & 0x0F, page[at + 1] >> 4 & 0x03
        length = page[at + 3]
        name = page[at + _HEADER : at + _HEADER + length]
        whole = len(name) == length > 0 and at + _HEADER + length <= end
        if kind in _NAMES and association == 0 and whole:
            found.setdefault(kind, f"{_NAMES[kind]}.{name.hex()}")
        at += _HEADER + length
    return found[max(found)] if found else ""


def _is_page(page: bytes, code: int) -> bool:
    return len(page) > _HEADER and page[1] == code


def _length(page: bytes) -> int:
    return int.from_bytes(page[2:_HEADER], "big")
