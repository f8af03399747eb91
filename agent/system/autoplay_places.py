"""What opens media by itself on this machine, looked up where each desktop keeps it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from agent.system import dconf_layers
from agent.system.autoplay_text import dde_values, kde_value, udev_effects
from agent.system.bounded_read import beginning
from agent.system.dconf_layers import Layer, Schema, Setting, in_force
from agent.system.gvdb import holds_names, holds_true
from agent.system.inotify import FolderWatch
from checks.facts.autoplay import Autoplay, AutoplayEffect, AutoplayOf, Desktop

FILE_MOST = 2 << 20
"""Bytes of a file of the machine's own; compiled schemas of a full desktop are the largest."""
ACCOUNTS_FILE_MOST = 1 << 20
RULES_MOST = 256
_KDE_FILE, _DDE_FILE = "kded_device_automounterrc", "dde-file-manager.json"
_RULES = "etc/udev/rules.d"
_PROGRAMS: Mapping[Desktop, tuple[str, ...]] = MappingProxyType(
    {
        "GNOME": ("gnome-shell", "gnome-flashback", "budgie-wm"),
        "Cinnamon": ("cinnamon",),
        "MATE": ("caja",),
        "UKUI": ("ukui-session", "peony"),
        "DDE": ("dde-file-manager",),
        "KDE": ("plasmashell",),
    }
)
"""The schemas alone tell nothing: libraries bring those of GNOME onto machines without it."""
_SCHEMAS: Mapping[Desktop, str] = MappingProxyType(
    {
        "GNOME": "org.gnome.desktop.media-handling",
        "Cinnamon": "org.cinnamon.desktop.media-handling",
        "MATE": "org.mate.media-handling",
        "UKUI": "org.ukui.media-handling",
    }
)
_NOTHING_SET = Layer(None, None, Path())
_OWN: Mapping[int, AutoplayOf] = MappingProxyType({-1: "default", 0: "user"})

Said = Mapping[AutoplayEffect, tuple[AutoplayOf, Path]]
"""What is done, whose word that is and where it stands."""


class Looked(NamedTuple):
    """`unread` are files that are there and could not be read, or not to their end."""

    settings: tuple[Autoplay, ...]
    unread: frozenset[Path]


class Files:
    """Reads the machine's own files once, and keeps what could not be read."""

    def __init__(self) -> None:
        self.unread: set[Path] = set()
        self._read: dict[Path, bytes] = {}

    def octets(self, file: Path) -> bytes:
        if file not in self._read:
            self._read[file] = self._beginning(file, FILE_MOST)
        return self._read[file]

    def of_account(self, file: Path) -> bytes:
        """Not kept: there may be hundreds."""
        return self._beginning(file, ACCOUNTS_FILE_MOST)

    def rules(self, folder: Path) -> Sequence[Path]:
        try:
            found = sorted(file for file in folder.iterdir() if file.suffix == ".rules")
        except FileNotFoundError:
            return ()
        except OSError:
            self.unread.add(folder)
            return ()
        if len(found) > RULES_MOST:
            self.unread.add(folder)
        return found[:RULES_MOST]

    def _beginning(self, file: Path, most: int) -> bytes:
        try:
            octets = beginning(file, most)
        except (FileNotFoundError, NotADirectoryError):
            return b""
        except OSError:
            self.unread.add(file)
            return b""
        if len(octets) == most:
            self.unread.add(file)
        return octets


def look(root: Path, homes: Iterable[Path]) -> Looked:
    """Everything that is done by itself when a medium comes: by the machine's own word, and by
    that of accounts where they have more done.
    """
    files = Files()
    found = list(_of_udev(root, files))
    folders = tuple(homes)
    for desktop in _installed(root):
        asked = _asked(desktop, root, files)
        general = asked(None)
        found += _told(desktop, general)
        for home in folders:
            own = asked(home)
            found += _told(desktop, {what: own[what] for what in own if what not in general})
    return Looked(tuple(dict.fromkeys(found)), frozenset(files.unread))


def follow(watch: FolderWatch, root: Path, homes: Iterable[Path]) -> None:
    """Watches every folder in which a file of these may change, as far as it exists."""
    programs = [program for names in _PROGRAMS.values() for program in names]
    watch.watch(root / "usr/bin", programs)
    watch.watch(root / _RULES)
    watch.watch(root / "etc/dconf/profile")
    watch.watch(root / dconf_layers.SYSTEM_DATABASES)
    for folder in dconf_layers.SCHEMA_FOLDERS:
        watch.watch(root / folder, (dconf_layers.SCHEMAS,))
    watch.watch(root / "etc/xdg", (_KDE_FILE, "deepin"))
    watch.watch(root / "etc/xdg/deepin", (_DDE_FILE,))
    if not _installed(root):
        return
    for home in homes:
        watch.watch(home, (".config",))
        watch.watch(home / ".config", (_KDE_FILE, "dconf", "deepin"))
        watch.watch(home / ".config/deepin", (_DDE_FILE,))
        watch.watch(home / dconf_layers.USERS_DATABASE)


def _installed(root: Path) -> tuple[Desktop, ...]:
    return tuple(
        desktop
        for desktop, programs in _PROGRAMS.items()
        if any((root / "usr/bin" / program).exists() for program in programs)
    )


def _asked(desktop: Desktop, root: Path, files: Files) -> Callable[[Path | None], Said]:
    """Asks what a desktop does for a home folder, or for one where nothing is set."""
    if desktop == "DDE":
        return lambda home: _of_dde(root, home, files)
    if desktop == "KDE":
        return lambda home: _of_kde(root, home, files)
    known = dconf_layers.schema(root, _SCHEMAS[desktop], files.octets)
    if known is None:  # without its schema no program that asks for it starts
        return lambda _home: {}
    own, system = dconf_layers.profile(root, files.octets)

    def of_layers(home: Path | None) -> Said:
        database = home / dconf_layers.USERS_DATABASE / own if home else None
        top = dconf_layers.layer(database, files.of_account) if database else _NOTHING_SET
        return _of_gsettings(known, (top, *system))

    return of_layers


def _of_gsettings(schema: Schema, layers: Sequence[Layer]) -> Said:
    """Mounting, opening and starting, as the desktops read their settings.  Folders are opened
    of what was mounted by itself, and of kinds of media that are listed for it.
    """
    said: dict[AutoplayEffect, tuple[AutoplayOf, Path]] = {}
    mounts = _true(in_force(schema, "automount", layers))
    opens = _true(in_force(schema, "automount-open", layers))
    allowed = _false(in_force(schema, "autorun-never", layers))
    folders = _naming(in_force(schema, "autorun-x-content-open-folder", layers))
    starts = _naming(in_force(schema, "autorun-x-content-start-app", layers))
    if mounts:
        said["mount"] = _word_of(mounts)
    if mounts and opens:
        said["open"] = _word_of(opens, mounts)
    elif allowed and folders:
        said["open"] = _word_of(allowed, folders)
    if allowed and starts:
        said["run"] = _word_of(allowed, starts)
    return said


def _true(setting: Setting | None) -> Setting | None:
    return setting if setting and holds_true(setting.variant) else None


def _false(setting: Setting | None) -> Setting | None:
    return setting if setting and holds_true(setting.variant) is False else None


def _naming(setting: Setting | None) -> Setting | None:
    """Unless it is known to name nothing."""
    return setting if setting and holds_names(setting.variant) is not False else None


def _word_of(*settings: Setting) -> tuple[AutoplayOf, Path]:
    """Of what was set, not of what was left as it is; an account's own word before others."""
    first = min(settings, key=lambda setting: (setting.layer < 0, setting.layer))
    return _OWN.get(first.layer, "system"), first.source


def _of_dde(root: Path, home: Path | None, files: Files) -> Said:
    """DDE's file manager mounts and does not open unless it is told otherwise."""
    system = root / "etc/xdg/deepin" / _DDE_FILE
    file = home / ".config/deepin" / _DDE_FILE if home else system
    general = dde_values(files.octets(system))
    own = dde_values(files.of_account(file)) if home else general
    mounts, opens = (
        one if one is not None else other for one, other in zip(own, general, strict=True)
    )
    said: dict[AutoplayEffect, tuple[AutoplayOf, Path]] = {}
    if mounts is not False:
        said["mount"] = _by_file(home, file, set_there=own[0] is not None, system=system)
        if opens:
            said["open"] = _by_file(home, file, set_there=own[1] is not None, system=system)
    return said


def _by_file(
    home: Path | None, file: Path, *, set_there: bool, system: Path
) -> tuple[AutoplayOf, Path]:
    return ("user", file) if home and set_there else ("system", system)


def _of_kde(root: Path, home: Path | None, files: Files) -> Said:
    """KDE's device_automounter mounts where it is told to, and opens nothing."""
    system = root / "etc/xdg" / _KDE_FILE
    said, locked = kde_value(_text(files.octets(system)), "AutomountOnPlugin")
    if home and not locked:
        file = home / ".config" / _KDE_FILE
        own, _ = kde_value(_text(files.of_account(file)), "AutomountOnPlugin")
        if own is not None:
            return {"mount": ("user", file)} if own else {}
    return {"mount": ("system", system)} if said else {}


def _of_udev(root: Path, files: Files) -> Iterator[Autoplay]:
    """The machine's own rules; those of packages below /usr set devices up and open nothing."""
    for file in files.rules(root / _RULES):
        for effect in dict.fromkeys(udev_effects(_text(files.octets(file)))):
            yield Autoplay(desktop="udev", effect=effect, whose="system", source=str(file))


def _told(desktop: Desktop, said: Said) -> Iterator[Autoplay]:
    for effect, (whose, source) in said.items():
        yield Autoplay(desktop=desktop, effect=effect, whose=whose, source=str(source))


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
