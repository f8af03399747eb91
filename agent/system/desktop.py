"""A short message on the desktop of whoever is logged in.

`org.freedesktop.Notifications` of the Desktop Notifications Specification 1.2, called
on the session bus of every user who has one, by `busctl` as that user (a session bus
turns other users away, root too).
"""

import os
import pwd
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

RUNTIME_FOLDERS = Path("/run/user")
_PATIENCE = 5.0
"""Seconds for a notification daemon to answer."""
_URGENCY_CRITICAL = "2"
_KEEP_OPEN = "0"
_SERVER_DECIDES = "-1"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on the screen; `urgent` ones stay until they are clicked away."""

    title: str
    body: str
    urgent: bool = False


class Desktop(Protocol):
    def show(self, message: Message) -> None:
        """Returns at once; where nobody has a desktop, nothing happens."""


class SessionBus(msgspec.Struct, frozen=True, kw_only=True):
    """One user's bus; the socket is at `folder`/bus."""

    uid: int
    gid: int
    folder: Path


class SessionBusDesktop:
    """Shows messages on every session bus below `folders`."""

    def __init__(self, folders: Path = RUNTIME_FOLDERS) -> None:
        self._folders = folders

    def show(self, message: Message) -> None:
        for bus in session_buses(self._folders):
            threading.Thread(target=_notify, args=(bus, message), daemon=True).start()


def session_buses(folders: Path) -> Iterator[SessionBus]:
    """The buses of the users who are logged in now: pam_systemd(8) makes the folder at
    the first login and removes it after the last logout.
    """
    for socket in sorted(folders.glob("*/bus")):
        try:
            owner = socket.stat().st_uid
            gid = pwd.getpwuid(owner).pw_gid
        except (OSError, KeyError):
            continue  # logged out meanwhile, or an account that no longer exists
        yield SessionBus(uid=owner, gid=gid, folder=socket.parent)


def notify_command(bus: SessionBus, message: Message) -> list[str]:
    """Notify(app_name, replaces_id, icon, summary, body, actions, hints, timeout)."""
    hints = ["1", "urgency", "y", _URGENCY_CRITICAL] if message.urgent else ["0"]
    timeout = _KEEP_OPEN if message.urgent else _SERVER_DECIDES
    service = "org.freedesktop.Notifications"
    return [
        "busctl",
        f"--address=unix:path={bus.folder}/bus",
        "--",
        "call",
        service,
        "/org/freedesktop/Notifications",
        service,
        "Notify",
        "susssasa{sv}i",
        *["Wardwatch", "0", "dialog-warning", message.title, message.body],
        "0",
        *hints,
        timeout,
    ]


def _notify(bus: SessionBus, message: Message) -> None:
    """A desktop that does not answer is none; the collector has the case either way."""
    ours = bus.uid == os.geteuid()
    try:
        subprocess.run(
            notify_command(bus, message),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "XDG_RUNTIME_DIR": str(bus.folder), "LC_ALL": "C.UTF-8"},
            user=None if ours else bus.uid,
            group=None if ours else bus.gid,
            extra_groups=None if ours else [],
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return
