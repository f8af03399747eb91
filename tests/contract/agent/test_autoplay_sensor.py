"""The sensor of autoplay: real databases, real inotify, a clock of the test's own."""

import select

import pytest

from agent.sensors.autoplay import READ_AFTER, AutoplaySensor
from checks.facts.autoplay import AutoplayState
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.support import dconf

DOCUMENT = PolicyDocument(issued_at_us=0, policy=parse_policy(""), endpoint=Endpoint(id="e"))
OFF = {"automount-open": "false", "autorun-never": "true"}
PATIENCE = 5.0
"""Seconds until the kernel must have told of a change."""


class Machine:
    def __init__(self, folder):
        self.root, self.home = folder / "root", folder / "home"
        (self.root / "usr/bin").mkdir(parents=True)
        self.home.mkdir()
        self.seconds = 0.0
        self.sensor = AutoplaySensor(
            lambda: (self.home,), root=self.root, monotonic=lambda: self.seconds
        )
        [self.heard] = self.sensor.start(DOCUMENT)

    def effects(self, facts):
        return [[setting.effect for setting in fact.settings] for fact in facts]

    def change_is_heard(self):
        ready, _, _ = select.select([self.heard], [], [], PATIENCE)
        return bool(ready)

    def told_after(self, seconds):
        self.seconds += seconds
        return self.effects(self.sensor.wake())


@pytest.fixture
def machine(tmp_path):
    own = Machine(tmp_path)
    yield own
    own.sensor.stop()


def test_a_machine_without_a_desktop_tells_that_it_does_nothing(machine):
    assert list(machine.sensor.heal()) == [AutoplayState()]
    assert machine.sensor.deadline() is None
    assert machine.sensor.degraded() == ""


def test_a_change_is_told_once_after_a_moment_without_waiting_for_the_beat(machine):
    dconf.gnome(machine.root)
    dconf.system_database(machine.root, OFF)
    assert machine.effects(machine.sensor.heal()) == [["mount"]]

    dconf.system_database(machine.root, {**OFF, "automount-open": "true"})

    assert machine.change_is_heard()
    assert machine.told_after(0) == []
    assert machine.sensor.deadline() == READ_AFTER
    assert machine.told_after(READ_AFTER) == [["mount", "open"]]
    assert machine.sensor.deadline() is None


@pytest.mark.parametrize("there", [".", ".config", ".config/dconf"])
def test_an_account_s_own_database_is_followed_also_when_it_is_its_first(machine, there):
    dconf.gnome(machine.root)
    dconf.system_database(machine.root, OFF)
    (machine.home / there).mkdir(parents=True, exist_ok=True)
    list(machine.sensor.heal())

    dconf.users_database(machine.home, {"autorun-never": "false"})

    assert machine.change_is_heard()
    assert machine.told_after(0) == []
    assert machine.told_after(READ_AFTER) == [["mount", "run"]]


def test_a_desktop_that_is_installed_later_is_noticed(machine):
    dconf.schemas(machine.root, ("org.mate.media-handling", "/org/mate/x/"))
    assert machine.effects(machine.sensor.heal()) == [[]]

    dconf.installed(machine.root, "caja")

    assert machine.change_is_heard()
    assert machine.told_after(0) == []
    assert machine.told_after(READ_AFTER) == [["mount", "open", "run"]]


def test_a_change_that_changes_nothing_is_not_told_but_at_the_beat(machine):
    dconf.gnome(machine.root)
    dconf.system_database(machine.root, OFF)
    list(machine.sensor.heal())

    dconf.users_database(machine.home, OFF)

    assert machine.change_is_heard()
    machine.told_after(0)
    assert machine.told_after(READ_AFTER) == []
    assert machine.effects(machine.sensor.heal()) == [["mount"]]


def test_a_setting_that_could_not_be_read_is_told_as_a_weakness(machine):
    dconf.gnome(machine.root)
    long = machine.home / ".config/dconf/user"
    long.parent.mkdir(parents=True)
    long.write_bytes(b"x" * (1 << 20))

    list(machine.sensor.heal())

    assert str(long)[:80] in machine.sensor.degraded()
