"""What clamd's own files tell that clamd itself does not: clamd.conf(5) and its database."""

import os
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import msgspec

from agent.system.bounded_read import beginning

DEFAULT_LARGEST_FILE = 100 << 20
"""MaxFileSize and StreamMaxLength of ClamAV 1.x: clamd.conf(5)."""
_HARD_LIMIT = (1 << 31) - 3
"""libclamav reads nothing larger, whatever is configured: clamd.conf(5), MaxFileSize."""
_UNLIMITED = 0
_CONFIGURATION_MOST = 1 << 20  # bytes
_DATABASE_FILES_MOST = 4096
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}
_LIMIT = re.compile(r"^\s*(MaxFileSize|MaxScanSize)\s+(\d+)\s*([KkMm]?)\s*$", re.MULTILINE)
_ALERT = re.compile(r"^\s*(Alert\w+)\s+(\S+)\s*$", re.MULTILINE)
_YES = frozenset(("yes", "true", "1"))
_FOLDER = re.compile(r'^\s*DatabaseDirectory\s+"?([^"\n]*[^"\s])"?\s*$', re.MULTILINE)
_CONTAINER = re.compile(r"\.c[vlu]d$")
_LISTS = re.compile(
    # libclamav/readdb.h, CLI_DBEXT, without the lists of what is *not* malware (fp, sfp,
    # ign, ign2, wdb, crb) and without settings (cfg, ftm, info).
    r"\.(db|[hmn]d[bu]|[hm]s[bu]|imp|ld[bu]|[scpgi]db|[zr]md|cbc|ioc|yara?)$"
)


class SignatureFile(msgspec.Struct, frozen=True):
    """A file of the database folder; `changed_us` is its modification time."""

    name: str
    changed_us: int


def largest_file(configuration: str) -> int:
    """Bytes: the smaller of MaxFileSize and MaxScanSize; 0 in the text stands for no
    limit of its own.  Of two clamd takes the first.
    """
    sizes = {"MaxFileSize": DEFAULT_LARGEST_FILE, "MaxScanSize": 4 * DEFAULT_LARGEST_FILE}
    for name, number, unit in reversed(_LIMIT.findall(configuration)):
        sizes[name] = int(number) * _UNITS[unit.upper()]
    return min(
        size if size != _UNLIMITED else _HARD_LIMIT for size in (*sizes.values(), _HARD_LIMIT)
    )


def missing_alerts(configuration: str) -> tuple[str, ...]:
    """Settings of clamd.conf(5) without which it calls clean what it could not look into."""
    alerts = reversed(_ALERT.findall(configuration))  # of two clamd takes the first
    told = {name: value.lower() in _YES for name, value in alerts}
    locked = ("AlertEncryptedArchive", "AlertEncryptedDoc")
    lacking = [] if all(map(told.get, locked)) or told.get("AlertEncrypted") else ["AlertEncrypted"]
    return (*lacking, *(name for name in ("AlertExceedsMax",) if not told.get(name)))


def database_folder(configuration: str) -> str:
    """DatabaseDirectory, the first one as clamd reads it; empty where it is not named:
    the default is compiled in and cannot be asked for.
    """
    named = _FOLDER.findall(configuration)
    return named[0] if named else ""


def newest_change(files: Iterable[SignatureFile]) -> int:
    """Microseconds since the epoch; 0 when none of the files holds signatures.

    It proves that no signature was written later, so signatures that look old *are* not
    newer.  It does not prove that they are as new as it says: whoever copies or touches
    the files makes old signatures look fresh, and clamd may not have loaded them yet
    (SelfCheck, 10 minutes by default).  Hence only where the engine tells no date itself.
    """
    return max((file.changed_us for file in files if _holds_signatures(file.name)), default=0)


def database_files(folder: str) -> list[SignatureFile]:
    """The regular files of the folder; none where it cannot be read or has no name."""
    if not folder:
        return []
    try:
        with os.scandir(folder) as entries:
            regular = (entry for entry in entries if entry.is_file())
            return [_signature_file(entry) for entry in islice(regular, _DATABASE_FILES_MOST)]
    except OSError:  # also when a file was just replaced: the next scan asks again
        return []


def first_readable(paths: Iterable[str]) -> str:
    """The text of the first file that can be read, up to a bound; empty when none can."""
    for path in paths:
        try:
            return beginning(Path(path), _CONFIGURATION_MOST).decode("utf-8", "replace")
        except OSError:
            continue
    return ""


def _signature_file(entry: os.DirEntry[str]) -> SignatureFile:
    return SignatureFile(entry.name, entry.stat().st_mtime_ns // 1000)


def _holds_signatures(name: str) -> bool:
    return bool(_CONTAINER.search(name) or _LISTS.search(name))
