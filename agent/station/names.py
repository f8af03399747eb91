"""Names of files from outside as they may stand on a medium of the hospital.  Pure."""

import unicodedata

_UNWANTED = frozenset('<>:"/\\|?*')
"""Refused by Windows and by FAT, exFAT and NTFS."""
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)
_STARTED = frozenset(("autorun.inf", "desktop.ini"))
_LONGEST = 60
_LONGEST_SUFFIX = 12


def safe_name(name: bytes) -> str:
    """Never empty, hidden, a device of Windows, or read by a desktop on its own; what is no
    UTF-8 and no sign that can be seen is `_`.
    """
    shown = "".join(_sign(sign) for sign in name.decode("utf-8", "replace"))
    shown = shown.strip(" .")
    stem, dot, suffix = shown.rpartition(".")
    if not dot or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = shown, "", ""
    shown = stem[:_LONGEST].rstrip(" .") + dot + suffix
    reserved = shown.partition(".")[0].lower() in _DEVICES or shown.lower() in _STARTED
    return f"_{shown}" if reserved or not shown or shown.startswith(("-", "~")) else shown


def numbered(name: str, number: int) -> str:
    """Another name where that one is taken: `letter~2.pdf`."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}~{number}{dot}{suffix}" if dot else f"{name}~{number}"


def _sign(sign: str) -> str:
    unseen = unicodedata.category(sign)[0] in "CZ" and sign != " "
    return "_" if unseen or sign in _UNWANTED or sign == "\N{REPLACEMENT CHARACTER}" else sign
