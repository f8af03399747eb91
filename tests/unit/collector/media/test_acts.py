import msgspec
import pytest

from checks.facts.media_register import RegisteredMedium
from collector.entries import EntryKind, MediaChanged
from collector.media.acts import MediaActs, MediumRefused
from tests.fakes.journal import MemoryJournal
from tests.unit.collector.media.test_imports import Known

R1 = RegisteredMedium(number="R-1", serial="S1", owner="a")
FRESH = RegisteredMedium(number="R-2", serial="S2", owner="b")


@pytest.fixture
def journal():
    return MemoryJournal()


@pytest.fixture
def acts(journal):
    return MediaActs(journal=journal, known=Known(R1))


def done(journal) -> list[MediaChanged]:
    assert all(entry.kind is EntryKind.MEDIA for entry in journal.entries)
    return [msgspec.json.decode(entry.body, type=MediaChanged) for entry in journal.entries]


def test_a_new_line_is_journalled_with_who_and_why(acts, journal):
    acts.register(FRESH, actor="wu", reason=" bought ")

    assert done(journal) == [
        MediaChanged(act="register", actor="wu", reason="bought", lines=(FRESH,))
    ]


@pytest.mark.parametrize(
    ("act", "lost"), [("lost", True), ("found", False), ("counted", False), ("returned", False)]
)
def test_a_mark_is_journalled_as_the_line_after_it(acts, journal, act, lost):
    acts.mark("R-1", act, actor="wu", reason="seen in the drawer")

    [made] = done(journal)
    assert (made.act, made.lines[0].lost) == (act, lost)


def test_a_line_that_is_taken_out_is_named(acts, journal):
    acts.mark("R-1", "remove", actor="wu", reason="broken")

    assert done(journal)[0].removed == ("R-1",)


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("the number is taken", msgspec.structs.replace(FRESH, number="R-1")),
        ("the medium is registered", msgspec.structs.replace(FRESH, serial="S1")),
        ("a number that is a page", msgspec.structs.replace(FRESH, number="import")),
        ("a number with a slash", msgspec.structs.replace(FRESH, number="a/b")),
        ("nothing to know it by", msgspec.structs.replace(FRESH, serial="")),
        ("dedicated to nobody", msgspec.structs.replace(FRESH, kind="dedicated")),
        ("hours that are none", msgspec.structs.replace(FRESH, hours="at noon")),
        ("a long owner", msgspec.structs.replace(FRESH, owner="x" * 201)),
        ("a line break", msgspec.structs.replace(FRESH, note="a\nb")),
        ("less than zero uses", msgspec.structs.replace(FRESH, uses=-1)),
    ],
)
def test_what_cannot_stand_in_the_register_changes_nothing(acts, journal, what, line):
    with pytest.raises(MediumRefused):
        acts.register(line, actor="wu")

    assert journal.entries == [], what


@pytest.mark.parametrize(
    ("number", "act", "reason"),
    [("R-9", "counted", ""), ("R-1", "lost", " "), ("R-1", "remove", "")],
)
def test_marks_need_a_line_and_grave_ones_a_reason(acts, journal, number, act, reason):
    with pytest.raises(MediumRefused):
        acts.mark(number, act, actor="wu", reason=reason)

    assert journal.entries == []


def test_nothing_is_journalled_for_a_file_without_news(acts, journal):
    acts.take_in((), actor="wu")

    assert journal.entries == []
