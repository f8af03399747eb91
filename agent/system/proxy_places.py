"""Where proxies are set: files of the system and of everybody's home folder."""

import fnmatch
import os
import pwd
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from agent.system.bounded_read import beginning
from agent.system.dconf import from_dconf
from agent.system.inotify import FolderWatch
from agent.system.proxy_text import (
    Setting,
    from_apt,
    from_assignments,
    from_chromium_policies,
    from_curl,
    from_firefox_policies,
    from_firefox_prefs,
    from_ini,
    from_kde,
    from_key_file,
)
from checks.facts.proxies import Proxy

How = Literal["environment", "system", "desktop", "browser", "pac", "tool"]

FILE_MOST = 1 << 20  # bytes; a longer file is read up to there
FILES_MOST = 64  # of one pattern in one folder
FOLDER_MOST = 4096  # entries of one folder that are looked at
PLACE_BYTES_MOST = 2 << 20  # of the system, and of each home folder
SETTINGS_MOST = 256  # different ones of the system, and of each home folder
HOMES_MOST = 200
_REMOTE_FILE_SYSTEMS = ("/nonexistent", "/dev/null")


class Place(NamedTuple):
    """A pattern of files, under the root or a home folder, and who reads them."""

    pattern: str
    how: How
    read: Callable[[bytes], Iterable[Setting]]


def _of_text(parse: Callable[[str], Iterable[Setting]]) -> Callable[[bytes], Iterable[Setting]]:
    return lambda octets: parse(octets.decode("utf-8", "replace"))


def _assigned(text: str) -> Iterable[Setting]:
    return from_assignments(text.splitlines())


_ENVIRONMENT, _APT, _KEYS = _of_text(_assigned), _of_text(from_apt), _of_text(from_key_file)
_PREFS, _CHROMIUM = _of_text(from_firefox_prefs), _of_text(from_chromium_policies)
_FIREFOX, _INI = _of_text(from_firefox_policies), _of_text(from_ini)

SYSTEM = (
    Place("etc/environment", "environment", _ENVIRONMENT),
    Place("etc/environment.d/*.conf", "environment", _ENVIRONMENT),
    Place("etc/profile", "environment", _ENVIRONMENT),
    Place("etc/profile.d/*.sh", "environment", _ENVIRONMENT),
    Place("etc/bash.bashrc", "environment", _ENVIRONMENT),
    Place("etc/systemd/system.conf", "system", _ENVIRONMENT),
    Place("etc/systemd/system.conf.d/*.conf", "system", _ENVIRONMENT),
    Place("etc/systemd/user.conf", "system", _ENVIRONMENT),
    Place("etc/systemd/system/*.service.d/*.conf", "system", _ENVIRONMENT),
    Place("etc/apt/apt.conf", "tool", _APT),
    Place("etc/apt/apt.conf.d/*", "tool", _APT),
    Place("etc/dconf/db/*.d/*", "desktop", _KEYS),
    Place("etc/firefox/policies/policies.json", "browser", _FIREFOX),
    Place("usr/lib/firefox*/distribution/policies.json", "browser", _FIREFOX),
    Place("etc/chromium/policies/managed/*.json", "browser", _CHROMIUM),
    Place("etc/chromium-browser/policies/managed/*.json", "browser", _CHROMIUM),
    Place("etc/opt/chrome/policies/managed/*.json", "browser", _CHROMIUM),
    Place("etc/opt/edge/policies/managed/*.json", "browser", _CHROMIUM),
    Place("etc/gitconfig", "tool", _INI),
    Place("etc/pip.conf", "tool", _INI),
    Place("etc/yum.conf", "tool", _INI),
    Place("etc/dnf/dnf.conf", "tool", _INI),
    Place("etc/npmrc", "tool", _INI),
    Place("etc/wgetrc", "tool", _ENVIRONMENT),
)
HOME = (
    Place(".pam_environment", "environment", _ENVIRONMENT),
    Place(".profile", "environment", _ENVIRONMENT),
    Place(".bash_profile", "environment", _ENVIRONMENT),
    Place(".bashrc", "environment", _ENVIRONMENT),
    Place(".zshrc", "environment", _ENVIRONMENT),
    Place(".xsessionrc", "environment", _ENVIRONMENT),
    Place(".config/environment.d/*.conf", "environment", _ENVIRONMENT),
    Place(".config/dconf/user", "desktop", from_dconf),
    Place(".config/kioslaverc", "desktop", _of_text(from_kde)),
    Place(".mozilla/firefox/*/prefs.js", "browser", _PREFS),
    Place(".mozilla/firefox/*/user.js", "browser", _PREFS),
    Place("snap/firefox/common/.mozilla/firefox/*/prefs.js", "browser", _PREFS),
    Place(".gitconfig", "tool", _INI),
    Place(".config/git/config", "tool", _INI),
    Place(".npmrc", "tool", _INI),
    Place(".config/pip/pip.conf", "tool", _INI),
    Place(".pip/pip.conf", "tool", _INI),
    Place(".curlrc", "tool", _of_text(from_curl)),
    Place(".wgetrc", "tool", _ENVIRONMENT),
)
_WATCHED = ("etc", "etc/profile.d", "etc/environment.d", "etc/apt/apt.conf.d", "etc/systemd",
            "etc/systemd/system.conf.d", "etc/chromium/policies/managed",
            "etc/opt/chrome/policies/managed", "etc/firefox/policies")  # fmt: skip
_WATCHED_NAMES = ("environment", "profile", "bash.bashrc", "gitconfig", "pip.conf", "npmrc",
                  "wgetrc", "system.conf", "user.conf")  # fmt: skip


def homes() -> tuple[Path, ...]:
    """Home folders of this machine's accounts."""
    found = {Path(entry.pw_dir) for entry in pwd.getpwall() if entry.pw_dir.startswith("/")}
    own = sorted(found - {Path("/"), *map(Path, _REMOTE_FILE_SYSTEMS)})
    return tuple(folder for folder in own if _is_home(folder))[:HOMES_MOST]


def set_proxies(
    root: Path, folders: Iterable[Path], *, unread: Callable[[Path], None]
) -> Iterator[Proxy]:
    """The settings of the system and of these home folders.  `unread` is told the root or the
    home folder that holds more than may be read of one.
    """
    for base, places in ((root, SYSTEM), *((folder, HOME) for folder in folders)):
        found: dict[Proxy, None] = {}
        for proxy in _found(base, places, unread):
            if len(found) >= SETTINGS_MOST and proxy not in found:
                unread(base)
                break
            found[proxy] = None
        yield from found


def as_proxy(found: Setting, how: How, source: str) -> Proxy:
    return Proxy(
        how="pac" if found.scheme == "pac" else how,
        scheme=found.scheme,
        address=found.address,
        port=found.port,
        source=source,
    )


def follow_places(watch: FolderWatch, root: Path) -> None:
    """Watches the system's own folders.  Home folders are read at the slow beat: programs
    write there all day.
    """
    for place in _WATCHED:
        whole = place.endswith((".d", "managed", "policies"))
        watch.watch(root / place, () if whole else _WATCHED_NAMES)


def _found(base: Path, places: Iterable[Place], unread: Callable[[Path], None]) -> Iterator[Proxy]:
    left = PLACE_BYTES_MOST
    for place in places:
        for file in _matching(base, place.pattern.split("/")):
            octets = _octets(file, min(FILE_MOST, left))
            left -= len(octets)
            if len(octets) == FILE_MOST or left <= 0:
                unread(base)
            for found in place.read(octets):
                yield as_proxy(found, place.how, str(file))


def _matching(base: Path, pattern: Sequence[str]) -> Iterator[Path]:
    """Like `Path.glob`, which would list a folder of a million names whole."""
    if not pattern:
        yield base
        return
    first, rest = pattern[0], pattern[1:]
    for name in (first,) if "*" not in first else _names(base, first):
        yield from _matching(base / name, rest)


def _names(folder: Path, pattern: str) -> Sequence[str]:
    try:
        with os.scandir(folder) as entries:
            listed = (entry.name for entry in islice(entries, FOLDER_MOST))
            return sorted(fnmatch.filter(listed, pattern))[:FILES_MOST]
    except OSError:
        return ()


def _octets(file: Path, most: int) -> bytes:
    """A regular file's beginning; empty where there is none to read."""
    try:
        return beginning(file, most)
    except OSError:
        return b""


def _is_home(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False
