"""Real databases of dconf and compiled schemas, below a root of the test's own."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.system.dconf_layers import SCHEMA_FOLDERS, SYSTEM_DATABASES, USERS_DATABASE

TOOLS = {
    "dconf": "dconf-cli",
    "glib-compile-schemas": "libglib2.0-bin",
    "gsettings": "libglib2.0-bin",
}
MEDIA = "org/gnome/desktop/media-handling"
_SCHEMA = """<schemalist>
  <schema id="{name}" path="{folder}">
    <key name="automount" type="b"><default>true</default></key>
    <key name="automount-open" type="b"><default>true</default></key>
    <key name="autorun-never" type="b"><default>false</default></key>
    <key name="autorun-x-content-start-app" type="as"><default>['x-content/software']</default></key>
    <key name="autorun-x-content-open-folder" type="as"><default>[]</default></key>
  </schema>
</schemalist>
"""


def needed(*names: str) -> None:
    """Skips aloud where a tool of Debian is missing."""
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is missing: apt-get install {TOOLS[name]}")


def schemas(root: Path, *named: tuple[str, str], override: str = "") -> None:
    """Compiles a schema of the desktops' kind under each (id, path), with the distribution's
    own changes.
    """
    needed("glib-compile-schemas")
    folder = root / SCHEMA_FOLDERS[1]
    folder.mkdir(parents=True, exist_ok=True)
    for name, place in named:
        text = _SCHEMA.format(name=name, folder=place)
        (folder / f"{name}.gschema.xml").write_text(text, "utf-8")
    (folder / "10_own.gschema.override").write_text(override, "utf-8")
    _run("glib-compile-schemas", "--strict", str(folder))


def gnome(root: Path, override: str = "") -> None:
    """GNOME is installed."""
    schemas(root, ("org.gnome.desktop.media-handling", f"/{MEDIA}/"), override=override)
    installed(root, "gnome-shell")


def installed(root: Path, program: str) -> None:
    place = root / "usr/bin" / program
    place.parent.mkdir(parents=True, exist_ok=True)
    place.touch()


def system_database(
    root: Path, values: Mapping[str, str], locks: tuple[str, ...] = (), *, name: str = "local"
) -> Path:
    """A database of the machine, put there as `dconf update` does, and its profile."""
    file = root / SYSTEM_DATABASES / name
    _compile(root, file, values, locks)
    profile = root / "etc/dconf/profile/user"
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text(f"user-db:user\nsystem-db:{name}\n", "utf-8")
    return file


def users_database(home: Path, values: Mapping[str, str]) -> Path:
    """What an account has set itself."""
    file = home / USERS_DATABASE / "user"
    _compile(home, file, values, ())
    return file


def read(home: Path, system: Path, key: str) -> str:
    """What dconf itself says for an account under this database of the machine."""
    needed("dconf")
    profile = home / "profile"
    profile.write_text(f"user-db:user\nfile-db:{system}\n", "utf-8")
    variables = {"DCONF_PROFILE": str(profile), "XDG_CONFIG_HOME": str(home / ".config")}
    return _run("dconf", "read", key, variables=variables)


def default(root: Path, schema: str, key: str) -> str:
    """What GLib says is built in."""
    needed("gsettings")
    variables = {"GSETTINGS_BACKEND": "memory", "XDG_DATA_DIRS": str(root / "usr/share")}
    return _run("gsettings", "get", schema, key, variables=variables)


def _compile(scratch: Path, file: Path, values: Mapping[str, str], locks: tuple[str, ...]) -> None:
    needed("dconf")
    keys = scratch / "keyfiles"
    shutil.rmtree(keys, ignore_errors=True)
    (keys / "locks").mkdir(parents=True)
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    (keys / "00-own").write_text(f"[{MEDIA}]\n{lines}", "utf-8")
    (keys / "locks/own").write_text("".join(f"/{MEDIA}/{name}\n" for name in locks), "utf-8")
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = scratch / "fresh"
    _run("dconf", "compile", str(fresh), str(keys))
    fresh.replace(file)


def _run(*command: str, variables: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, **(variables or {})},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()
