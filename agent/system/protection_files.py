"""Where anti-virus programs lie, and how old their signatures are."""

import glob
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from agent.system.bounded_read import beginning
from agent.system.clamd import USUAL_CONFIGURATIONS
from agent.system.clamd_files import (
    database_files,
    database_folder,
    first_readable,
    newest_change,
)
from checks.policy.protection import KnownAntivirus

_LOG_FILE = re.compile(r'^\s*LogFile\s+"?([^"\n]*[^"\s])"?\s*$', re.MULTILINE)
_ON_ACCESS = re.compile(r"^\s*OnAccess(Include|Mount)Path\s+\S", re.MULTILINE)
_LOG_SYSLOG = re.compile(r"^\s*LogSyslog\s+(yes|true|1)\s*$", re.MULTILINE | re.IGNORECASE)
_SYSLOG_FILES = ("/var/log/syslog", "/var/log/messages")
_FILES_MOST = 4096
_HEADER = 512  # of a .cvd, .cld or .cud: libclamav/cvd.c, cl_cvdhead
_MAGIC = b"ClamAV-VDB:"
_NEWEST_DAILY = ("daily.cld", "daily.cvd", "daily.cud")
"""What clamd's own answer is about: of these only one is there, or the .cld is newer."""


def is_installed(product: KnownAntivirus) -> bool:
    return any(True for pattern in product.places for _ in glob.iglob(pattern))  # noqa: PTH207 - a pattern from the policy, absolute and without a folder of its own


def signature_folders(product: KnownAntivirus, configuration: str) -> Sequence[Path]:
    """Where new signatures arrive."""
    named = database_folder(configuration) if product.settings == "clamd" else ""
    folders = [named] if named else [str(Path(each).parent) for each in product.signatures]
    return [Path(folder) for folder in folders if "*" not in folder]


def signatures_made_us(product: KnownAntivirus, configuration: str) -> int:
    """Microseconds since the epoch, 0 while nobody can tell.

    Of ClamAV it is the build time in the header of daily.*, as clamd tells it, or the newest
    change of plain lists; whether clamd has loaded them by now is not seen (SelfCheck).  Of
    any other it is the newest change, which copying or touching a file makes younger.
    """
    if product.settings == "clamd":
        for folder in signature_folders(product, configuration):
            if found := _built_us(folder) or newest_change(database_files(str(folder))):
                return found
        return 0
    return max(_changes(product.signatures), default=0)


def clamd_configuration(arguments: Sequence[str]) -> str:
    """The text of the clamd.conf that these arguments name, or of the usual one."""
    named = [
        following
        for word, following in itertools.pairwise(arguments)
        if word in ("-c", "--config-file")
    ]
    named += [word.partition("=")[2] for word in arguments if word.startswith("--config-file=")]
    return first_readable((*named, *USUAL_CONFIGURATIONS))


def guards_something(configuration: str) -> bool:
    """Whether this clamd.conf(5) names anything for clamonacc to watch."""
    return bool(_ON_ACCESS.search(configuration))


def log_files(configuration: str) -> Sequence[str]:
    """Where a clamd with these settings writes what it finds: LogFile, or what syslog keeps;
    none where it writes to the journal only, or not at all.
    """
    named = _LOG_FILE.findall(configuration)[:1]  # of two clamd takes the first
    if named or not _LOG_SYSLOG.search(configuration):
        return named
    return [path for path in _SYSLOG_FILES if Path(path).exists()]


def log_of_guard(arguments: Sequence[str]) -> Sequence[str]:
    """clamonacc(8), `-l FILE` or `--log=FILE`."""
    named = [word.partition("=")[2] for word in arguments if word.startswith("--log=")]
    return named + [after for word, after in itertools.pairwise(arguments) if word == "-l"]


def _built_us(folder: Path) -> int:
    return max((_build_time_us(folder / name) for name in _NEWEST_DAILY), default=0)


def _build_time_us(container: Path) -> int:
    """The last field of the header, in seconds; 0 where there is none."""
    try:
        header = beginning(container, _HEADER)
    except OSError:
        return 0
    seconds = header.rstrip().rpartition(b":")[2]
    sound = header.startswith(_MAGIC) and seconds.isdigit() and len(seconds) <= 10
    return int(seconds) * 1_000_000 if sound else 0


def _changes(patterns: Iterable[str]) -> Iterator[int]:
    for pattern in patterns:
        for name in itertools.islice(glob.iglob(pattern), _FILES_MOST):  # noqa: PTH207 - as above
            try:
                yield Path(name).stat().st_mtime_ns // 1000
            except OSError:  # it was just replaced
                continue
