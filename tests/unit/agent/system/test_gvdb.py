import pytest

from agent.system.gvdb import Table, holds_names, holds_true, inner, opened, text, value
from tests.recorded_dconf import ACCOUNT, FOLDER, OPENS, STARTS, SYSTEM


def table(octets: bytes) -> Table:
    found = opened(octets)
    assert found is not None
    return found


def test_values_are_found_by_their_whole_path_and_nothing_else_is():
    database = table(SYSTEM)

    assert value(database, OPENS) == b"\0\0b"
    assert value(database, STARTS) == b"a/b\0\4\0as"
    assert value(database, "automount-open") is None
    assert value(database, FOLDER) is None
    assert value(database, "") is None


def test_the_table_of_locks_is_one_within_and_no_value():
    database = table(SYSTEM)
    locks = inner(database, ".locks")

    assert locks is not None
    assert value(locks, OPENS) is not None
    assert value(locks, STARTS) is None
    assert value(database, ".locks") is None
    assert inner(database, OPENS) is None


@pytest.mark.parametrize(
    ("what", "octets"),
    [
        ("nothing", b""),
        ("too short for a header", ACCOUNT[:20]),
        ("of another kind", b"GVariANT" + ACCOUNT[8:]),
        ("of the other byte order", b"raVGtnai" + ACCOUNT[8:]),
    ],
)
def test_what_is_no_database_is_none(what, octets):
    assert opened(octets) is None, what


def test_a_database_cut_off_anywhere_tells_what_is_left_or_nothing():
    told = {value(table(SYSTEM[:end]), STARTS) for end in range(24, len(SYSTEM))}

    assert None in told
    assert b"a/b\0\4\0as" in told


def test_any_octet_may_be_another():
    broken = [
        SYSTEM[:place] + bytes([SYSTEM[place] ^ 0xFF]) + SYSTEM[place + 1 :]
        for place in range(8, len(SYSTEM))
    ]

    told = {value(table(octets), OPENS) for octets in broken}

    assert {None, b"\0\0b"} < told


@pytest.mark.parametrize(
    ("what", "variant", "said"),
    [
        ("true", b"\1\0b", True),
        ("false", b"\0\0b", False),
        ("a schema's default", b"\1\0(b)", True),
        ("a schema's default with flags", b"\0\0(bss)", False),
        ("a string", b"true\0\0s", None),
        ("no value before its type", b"\0b", None),
        ("no type", b"\1", None),
        ("nothing", b"", None),
    ],
)
def test_a_boolean_is_told_and_every_other_type_is_none(what, variant, said):
    assert holds_true(variant) is said, what


@pytest.mark.parametrize(
    ("what", "variant", "said"),
    [
        ("one name", b"a/b\0\4\0as", True),
        ("no name", b"\0as", False),
        ("a schema's default", b"a/b\0\4\0(as)", True),
        ("a boolean", b"\1\0b", None),
        ("nothing", b"", None),
    ],
)
def test_a_list_names_something_or_nothing_and_every_other_type_is_none(what, variant, said):
    assert holds_names(variant) is said, what


@pytest.mark.parametrize(
    ("what", "variant", "said"),
    [
        ("a string", b"/org/x/\0\0s", "/org/x/"),
        ("a tuple of one", b"/org/x/\0\0(s)", "/org/x/"),
        ("no UTF-8", b"\xff\0\0s", "\ufffd"),
        ("a boolean", b"\1\0b", ""),
        ("nothing", b"", ""),
    ],
)
def test_a_string_is_told_and_every_other_type_is_empty(what, variant, said):
    assert text(variant) == said, what
