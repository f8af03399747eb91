"""Desktop messages through a real private dbus-daemon."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.system.desktop import Message, SessionBusDesktop, session_buses
from tests.support.notifications import NotificationService, Notified


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """Like /run/user with one user who has a session bus."""
    for tool, package in (("dbus-daemon", "dbus"), ("busctl", "systemd")):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing (Debian package {package})")
    folder = tmp_path / "user" / "1000"
    folder.mkdir(parents=True)
    address = f"unix:path={folder}/bus"
    command = ["dbus-daemon", "--session", "--nofork", "--print-address", f"--address={address}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as bus:
        assert bus.stdout
        bus.stdout.readline()
        yield folder.parent
        bus.terminate()


@pytest.fixture
def service(folders: Path) -> Iterator[NotificationService]:
    running = NotificationService(folders / "1000" / "bus")
    yield running
    running.close()


def test_a_message_reaches_the_desktop_of_who_is_logged_in(folders, service):
    SessionBusDesktop(folders).show(Message(title="移动介质带毒", body="-- 请联系：8120"))

    assert service.wait(1)
    assert service.shown == [Notified("Wardwatch", "移动介质带毒", "-- 请联系：8120")]


def test_an_urgent_message_reaches_it_too(folders, service):
    SessionBusDesktop(folders).show(Message(title="a", body="b", urgent=True))

    assert service.wait(1)
    assert service.shown == [Notified("Wardwatch", "a", "b")]


def test_showing_returns_at_once_although_nobody_answers(folders):
    began = time.monotonic()
    SessionBusDesktop(folders).show(Message(title="a", body="b"))

    assert time.monotonic() - began < 0.5


def test_where_nobody_is_logged_in_there_is_no_bus(tmp_path):
    assert list(session_buses(tmp_path)) == []
