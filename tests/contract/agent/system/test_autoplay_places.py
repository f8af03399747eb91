"""What media do by themselves, as real databases, schemas and files say it."""

import itertools
import os
import time
from pathlib import Path

import pytest

from agent.system import autoplay_places, dconf_layers
from agent.system.autoplay_places import Looked, look
from agent.system.dconf_layers import in_force
from agent.system.gvdb import holds_names, holds_true
from checks.facts.autoplay import Autoplay
from tests.support import dconf

GNOME = "org.gnome.desktop.media-handling"
OFF = {"automount-open": "false", "autorun-never": "true"}
PATIENCE = 5.0
"""Seconds for a file without sense, on a machine that does other work."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home/a"
    folder.mkdir(parents=True)
    return folder


def told(root: Path, *homes: Path) -> list[tuple[str, str, str]]:
    return [
        (setting.desktop, setting.effect, setting.whose)
        for setting in look(root, homes).settings
        if setting.effect != "mount"
    ]


def octets(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def test_a_machine_without_a_desktop_does_nothing_whatever_schemas_libraries_bring(root, home):
    dconf.schemas(root, (GNOME, f"/{dconf.MEDIA}/"))
    dconf.users_database(home, {"automount-open": "true"})

    assert look(root, [home]) == Looked((), frozenset())


def test_what_gnome_was_built_with_counts_where_nothing_is_set(root, home):
    dconf.gnome(root)

    schemas = str(root / "usr/share/glib-2.0/schemas/gschemas.compiled")
    assert look(root, [home]).settings == tuple(
        Autoplay(desktop="GNOME", effect=effect, whose="default", source=schemas)
        for effect in ("mount", "open", "run")
    )


def test_a_distribution_that_builds_it_otherwise_is_believed(root):
    dconf.gnome(root, f"[{GNOME}]\nautomount-open=false\nautorun-x-content-start-app=[]\n")

    assert told(root) == []


def test_the_machine_s_word_goes_before_what_is_built_in(root, home):
    dconf.gnome(root)
    database = dconf.system_database(root, OFF)

    assert told(root, home) == []
    dconf.system_database(root, {**OFF, "automount-open": "true"})
    [mounts, opens] = look(root, [home]).settings
    assert (mounts.effect, opens.effect, opens.whose) == ("mount", "open", "system")
    assert opens.source == str(database)


def test_an_account_that_switches_it_on_again_is_told_unless_the_key_is_locked(root, home):
    dconf.gnome(root)
    dconf.system_database(root, OFF)
    own = dconf.users_database(home, {"automount-open": "true"})

    assert told(root, home) == [("GNOME", "open", "user")]
    assert look(root, [home]).settings[-1].source == str(own)
    dconf.system_database(root, OFF, ("automount-open", "autorun-never"))
    assert told(root, home) == []


def test_an_account_that_switches_it_off_for_itself_leaves_it_on_for_others(root, home):
    dconf.gnome(root)
    dconf.users_database(home, OFF)

    assert told(root, home) == [("GNOME", "open", "default"), ("GNOME", "run", "default")]


def test_nothing_is_opened_of_what_is_not_mounted(root):
    dconf.gnome(root)
    dconf.system_database(root, {"automount": "false", "autorun-never": "true"})

    assert look(root, []).settings == ()


def test_kinds_of_media_whose_folder_is_opened_count(root):
    dconf.gnome(root)
    kinds = "['x-content/image-dcf']"
    dconf.system_database(
        root,
        {
            "automount-open": "false",
            "autorun-x-content-open-folder": kinds,
            "autorun-x-content-start-app": "@as []",
        },
    )

    assert told(root) == [("GNOME", "open", "system")]


@pytest.mark.parametrize(
    ("desktop", "program", "schema", "place"),
    [
        ("MATE", "caja", "org.mate.media-handling", "/org/mate/desktop/media-handling/"),
        ("Cinnamon", "cinnamon", "org.cinnamon.desktop.media-handling", "/org/cinnamon/x/"),
        ("UKUI", "ukui-session", "org.ukui.media-handling", "/org/ukui/any/place/"),
    ],
)
def test_desktops_of_the_same_family_are_read_where_their_schema_says(
    root, desktop, program, schema, place
):
    dconf.schemas(root, (schema, place))
    dconf.installed(root, program)

    assert told(root) == [(desktop, "open", "default"), (desktop, "run", "default")]


def test_dde_opens_where_its_file_manager_is_told_to(root, home):
    dconf.installed(root, "dde-file-manager")
    assert told(root, home) == []

    file = home / ".config/deepin/dde-file-manager.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"GenericAttribute": {"AutoMountAndOpen": true}}')
    assert told(root, home) == [("DDE", "open", "user")]
    file.write_text('{"GenericAttribute": {"AutoMount": false, "AutoMountAndOpen": true}}')
    assert told(root, home) == []


def test_kde_only_mounts(root, home):
    dconf.installed(root, "plasmashell")
    (home / ".config").mkdir()
    (home / ".config/kded_device_automounterrc").write_text("[General]\nAutomountOnPlugin=true\n")

    [setting] = look(root, [home]).settings

    assert (setting.desktop, setting.effect, setting.whose) == ("KDE", "mount", "user")


def test_a_udev_rule_of_the_machine_s_own_needs_no_desktop(root):
    rules = root / "etc/udev/rules.d"
    rules.mkdir(parents=True)
    line = 'SUBSYSTEM=="block", ENV{ID_BUS}=="usb", RUN+="/opt/copy %k"\n'
    (rules / "99-own.rules").write_text(line)
    (rules / "99-own.rules.bak").write_text(line)

    [setting] = look(root, []).settings

    assert (setting.desktop, setting.effect) == ("udev", "run")
    assert setting.source == str(rules / "99-own.rules")


def test_layers_and_locks_give_what_dconf_gives(root, home):
    """Every way in which an account, the machine and its locks may say yes, no or nothing."""
    dconf.gnome(root)
    schema = dconf_layers.schema(root, GNOME, octets)
    assert schema is not None
    compared = 0
    for own, system, locks in itertools.product(
        (None, "true", "false"), (None, "true", "false"), ((), ("automount",))
    ):
        file = dconf.system_database(root, {"automount": system} if system else {}, locks)
        dconf.users_database(home, {"automount": own} if own else {"autorun-never": "true"})
        theirs = dconf.read(home, file, f"/{dconf.MEDIA}/automount")

        profile = dconf_layers.profile(root, octets)
        top = dconf_layers.layer(home / dconf_layers.USERS_DATABASE / profile.own, octets)
        ours = in_force(schema, "automount", (top, *profile.system))

        assert ours is not None
        said = "" if ours.layer < 0 else str(holds_true(ours.variant)).lower()
        assert said == theirs, (own, system, locks)
        compared += 1
    assert compared == 18


@pytest.mark.parametrize("open_value", ["true", "false"])
def test_defaults_are_what_glib_says(root, open_value):
    dconf.gnome(root, f"[{GNOME}]\nautomount-open={open_value}\n")
    schema = dconf_layers.schema(root, GNOME, octets)
    assert schema is not None

    ours = in_force(schema, "automount-open", ())
    names = in_force(schema, "autorun-x-content-start-app", ())

    assert ours is not None
    assert names is not None
    assert str(holds_true(ours.variant)).lower() == dconf.default(root, GNOME, "automount-open")
    assert holds_names(names.variant) is True
    assert dconf.default(root, GNOME, "autorun-x-content-start-app") != "@as []"


@pytest.mark.parametrize("broken", [b"", b"GVariant", b"GVariant" + b"\xff" * 4096, b"\0" * 4096])
def test_a_database_without_sense_says_nothing_as_for_dconf(root, home, broken):
    dconf.gnome(root)
    dconf.system_database(root, OFF)
    dconf.users_database(home, {"automount-open": "true"}).write_bytes(broken)

    assert told(root, home) == []


def test_a_database_with_any_octet_changed_is_read_in_time_and_breaks_nothing(root, home):
    dconf.gnome(root)
    dconf.system_database(root, OFF)
    file = dconf.users_database(home, {"automount-open": "true"})
    sound = file.read_bytes()
    began = time.monotonic()

    for place in range(len(sound)):
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        assert len(look(root, [home]).settings) <= 3

    assert time.monotonic() - began < PATIENCE


def test_what_is_no_plain_file_is_not_opened_and_what_is_too_long_is_told(root, home):
    dconf.gnome(root)
    dconf.system_database(root, OFF)
    database = home / dconf_layers.USERS_DATABASE / "user"
    database.parent.mkdir(parents=True)
    os.mkfifo(database)
    assert look(root, [home]).unread == frozenset()

    database.unlink()
    database.write_bytes(b"x" * autoplay_places.ACCOUNTS_FILE_MOST)
    assert look(root, [home]).unread == {database}
