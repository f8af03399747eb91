"""Names as udev writes them."""

import re

from agent.media.devices import Device

_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")


def name_of(device: Device, key: str) -> str:
    """ID_VENDOR, ID_MODEL and the like, as they were written where udev kept that."""
    told = unescaped(device.properties.get(f"{key}_ENC", "")).strip()
    return told or device.properties.get(key, "").replace("_", " ").strip()


def unescaped(text: str) -> str:
    r"""Reads udev's `\x20` for what is not printable ASCII: bytes of UTF-8, or it is no name."""
    raw = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    try:
        return raw.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text if not _ESCAPE.search(text) else ""
