"""What says that a medium is opened by itself: KDE's, DDE's and udev's own files as text."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from checks.facts.autoplay import AutoplayEffect

_ENTRY = re.compile(r"(\w+)((?:\[[^\]]*\])*)\s*=(.*)")
_GENERAL = "[General]"
_MATCH = re.compile(r'\b(\w+)(?:\{([^}]*)\})?\s*(==|!=|\+=|:=|=)\s*e?"((?:[^"\\]|\\.)*)"')
_DISK_NAMES = ("sd", "sr", "[sh]d", "mmcblk", "nvme")
_OF_REMOVABLE = (
    ("ENV", "ID_BUS", "usb"),
    ("SUBSYSTEMS", "", "usb"),
    ("DRIVERS", "", "usb-storage"),
    ("DRIVERS", "", "uas"),
    ("ATTR", "removable", "1"),
    ("ATTRS", "removable", "1"),
    ("ENV", "ID_CDROM", "1"),
    ("ENV", "ID_CDROM_MEDIA", "1"),
    ("ENV", "ID_FS_USAGE", "filesystem"),
)
_MOUNTERS = ("mount", "systemd-mount", "udisksctl", "pmount", "usbmount")
_TUNERS = ("blockdev", "chgrp", "chmod", "chown", "hdparm", "logger", "sdparm", "setfacl")
"""Programs that set something about the device and look at nothing that is on it."""


def kde_value(text: str, name: str) -> tuple[bool | None, bool]:
    """What a KDE configuration says under General, None where nothing, and whether the entry
    is locked, `Name[$i]=`, as KConfig has it.
    """
    said, locked, section, general = None, False, False, False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and "=" not in line:
            section = line.startswith(_GENERAL)
            general = section and "$i" in line
        found = _ENTRY.fullmatch(line) if section else None
        if found and found[1] == name:
            said = found[3].strip().lower() in ("true", "1", "yes", "on")
            locked = general or "$i" in found[2]
    return said, locked


class _DdeSettings(msgspec.Struct, frozen=True):
    """The `GenericAttribute` of dde-file-manager.json."""

    mount: bool | None = msgspec.field(name="AutoMount", default=None)
    opens: bool | None = msgspec.field(name="AutoMountAndOpen", default=None)


class _DdeFile(msgspec.Struct, frozen=True):
    generic: _DdeSettings = msgspec.field(name="GenericAttribute", default=_DdeSettings())


def dde_values(octets: bytes) -> tuple[bool | None, bool | None]:
    """Whether DDE's file manager is told to mount, and to open; None where it is told nothing."""
    try:
        found = msgspec.json.decode(octets, type=_DdeFile)
    except (msgspec.DecodeError, RecursionError):
        return None, None
    return found.generic.mount, found.generic.opens


def udev_effects(text: str) -> Iterator[AutoplayEffect]:
    """What rules of udev(7) do when a removable medium comes: mount it, or start something.

    Only rules that ask for removable media are meant, by themselves or, with GOTO, by a rule
    in front: fixed disks have rules of their own that read nothing.
    """
    about_disks = False
    for line in _joined(text):
        asked = _MATCH.findall(line)
        own = _asks_for_disks(asked)
        about_disks |= ("SUBSYSTEM", "", "!=", "block") in asked and "GOTO" in line
        if ("ACTION", "", "==", "remove") in asked or not (own or about_disks):
            continue
        if any(
            (key, name, value) in _OF_REMOVABLE for key, name, mark, value in asked if mark == "=="
        ):
            yield from _effects(asked)


def _joined(text: str) -> Iterator[str]:
    for line in text.replace("\\\n", " ").splitlines():
        if not line.lstrip().startswith("#"):
            yield line


def _asks_for_disks(asked: list[tuple[str, str, str, str]]) -> bool:
    return any(
        (key == "SUBSYSTEM" and value == "block")
        or (key == "KERNEL" and value.startswith(_DISK_NAMES))
        for key, _, mark, value in asked
        if mark == "=="
    )


def _effects(asked: list[tuple[str, str, str, str]]) -> Iterator[AutoplayEffect]:
    for key, name, mark, value in asked:
        if mark in ("==", "!=") or not value.strip():
            continue
        if key == "RUN" and name != "builtin":
            yield from _of_program(value)
        if key == "ENV" and name in ("SYSTEMD_WANTS", "SYSTEMD_USER_WANTS"):
            yield "mount" if "mount" in value else "run"


def _of_program(command: str) -> Iterator[AutoplayEffect]:
    program = PurePosixPath(command.split(maxsplit=1)[0].strip("'\"")).name
    if program in _MOUNTERS:
        yield "mount"
    elif program not in _TUNERS:
        yield "run"
