from pathlib import Path

import pytest

from agent.system.dconf_layers import Layer, Schema, Setting, in_force, layer, profile, schema
from agent.system.gvdb import opened
from tests.recorded_dconf import ACCOUNT, FOLDER, SYSTEM

ROOT = Path("/root")
PROFILE = ROOT / "etc/dconf/profile/user"
OWN, LOCAL = Path("/home/a/.config/dconf/user"), ROOT / "etc/dconf/db/local"
NOTHING = Layer(None, None, OWN)
FILES = {OWN: ACCOUNT, LOCAL: SYSTEM}
TRUE, FALSE = b"\1\0b", b"\0\0b"


def read(file):
    return FILES.get(file, b"")


def gnome():
    """A schema that has nothing to say itself."""
    defaults = opened(b"GVariant" + b"\0" * 16)
    assert defaults is not None
    return Schema(FOLDER, defaults, Path("/schemas"))


@pytest.mark.parametrize(
    ("what", "text", "own", "system"),
    [
        ("none: the built-in one", b"", "user", []),
        ("the usual one", b"user-db:user\nsystem-db:local\n", "user", [LOCAL]),
        ("another name", b"user-db:ward # of this ward\n", "ward", []),
        ("a name that leads elsewhere", b"user-db:../../root\n", "user", []),
        ("a file", b"file-db:/srv/ward\n", "user", [ROOT / "srv/ward"]),
        ("comments and words unknown", b"# system-db:a\n\nservice-db:keyfile/user\n", "user", []),
    ],
)
def test_a_profile_names_the_databases_in_their_order(what, text, own, system):
    found = profile(ROOT, lambda file: text if file == PROFILE else b"")

    assert found.own == own, what
    assert [each.source for each in found.system] == system, what


def test_of_a_profile_without_end_the_first_databases_are_read():
    text = b"".join(b"system-db:%d\n" % number for number in range(100))

    found = profile(ROOT, lambda file: text if file == PROFILE else b"")

    assert len(found.system) == 16


def test_a_database_that_is_not_there_has_neither_values_nor_locks():
    assert layer(Path("/nowhere"), read) == Layer(None, None, Path("/nowhere"))


def test_an_account_s_own_word_goes_before_the_machine_s_where_no_lock_is():
    machine = layer(LOCAL, read)._replace(locks=None)

    found = in_force(gnome(), "automount-open", (layer(OWN, read), machine))

    assert found == Setting(TRUE, 0, OWN)


def test_a_lock_of_the_machine_hides_what_the_account_says():
    found = in_force(gnome(), "automount-open", (layer(OWN, read), layer(LOCAL, read)))

    assert found == Setting(FALSE, 1, LOCAL)


def test_an_account_locks_nothing():
    own = layer(LOCAL, read)._replace(source=OWN)

    found = in_force(gnome(), "automount-open", (own, NOTHING))

    assert found == Setting(FALSE, 0, OWN)


def test_what_nobody_says_is_none():
    assert in_force(gnome(), "automount", (layer(OWN, read), layer(LOCAL, read))) is None


def test_without_compiled_schemas_none_is_installed():
    assert schema(ROOT, "org.gnome.desktop.media-handling", read) is None
