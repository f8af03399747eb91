"""Settings of GNOME and its kin: the databases of dconf(7) above the installed schemas."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.system.gvdb import Table, inner, opened, text, value

Octets = Callable[[Path], bytes]
"""Reads a file up to a bound; empty where there is none."""

PROFILE = "etc/dconf/profile/user"
SYSTEM_DATABASES = "etc/dconf/db"
SCHEMA_FOLDERS = ("usr/local/share/glib-2.0/schemas", "usr/share/glib-2.0/schemas")
"""In the order in which GLib asks them: XDG_DATA_DIRS as it is built in."""
SCHEMAS = "gschemas.compiled"
USERS_DATABASE = ".config/dconf"
_LOCKS = ".locks"
_LAYERS_MOST = 16
_BUILT_IN_PROFILE = "user-db:user"


class Layer(NamedTuple):
    """One database of a profile; `values` is None where it is not there."""

    values: Table | None
    locks: Table | None
    source: Path


class Profile(NamedTuple):
    """The name of everybody's own database, and the machine's, the first asked in front."""

    own: str
    system: tuple[Layer, ...]


class Schema(NamedTuple):
    """What an installed program asks: where its settings stand, and what holds unset."""

    folder: str
    defaults: Table
    source: Path


class Setting(NamedTuple):
    """A value in force, and the layer that says so: 0 is the account's own, -1 the schema."""

    variant: bytes
    layer: int
    source: Path


def profile(root: Path, octets: Octets) -> Profile:
    """The profile that sessions use unless their environment names another."""
    own, system = "user", []
    lines = octets(root / PROFILE).decode("utf-8", "replace") or _BUILT_IN_PROFILE
    for line in list(_entries(lines))[:_LAYERS_MOST]:
        kind, _, name = line.partition(":")
        if kind == "user-db" and "/" not in name:
            own = name
        elif kind == "system-db":
            system.append(layer(root / SYSTEM_DATABASES / name, octets))
        elif kind == "file-db":
            system.append(layer(root / name.lstrip("/"), octets))
    return Profile(own, tuple(system))


def layer(file: Path, octets: Octets) -> Layer:
    values = opened(octets(file))
    return Layer(values, inner(values, _LOCKS) if values else None, file)


def schema(root: Path, name: str, octets: Octets) -> Schema | None:
    """None where no schema of that name with a place of its own is installed."""
    for folder in SCHEMA_FOLDERS:
        file = root / folder / SCHEMAS
        known = opened(octets(file))
        found = inner(known, name) if known else None
        if found is not None:
            place = text(value(found, ".path") or b"")
            return Schema(place, found, file) if place else None
    return None


def in_force(schema: Schema, key: str, layers: Sequence[Layer]) -> Setting | None:
    """The value that programs get, as dconf_engine_read() finds it: the lowest layer that locks
    the key hides those above; the account's own, the first, locks nothing.
    """
    path = f"{schema.folder}{key}"
    locked = (number for number in range(len(layers) - 1, 0, -1) if _locks(layers[number], path))
    for number in range(next(locked, 0), len(layers)):
        values = layers[number].values
        found = value(values, path) if values else None
        if found is not None:
            return Setting(found, number, layers[number].source)
    default = value(schema.defaults, key)
    return None if default is None else Setting(default, -1, schema.source)


def _locks(layer: Layer, path: str) -> bool:
    return layer.locks is not None and value(layer.locks, path) is not None


def _entries(lines: str) -> Iterator[str]:
    for line in lines.splitlines():
        entry = line.partition("#")[0].strip()
        if entry:
            yield entry
