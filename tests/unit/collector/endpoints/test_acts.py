import msgspec
import pytest

from checks.policy import Endpoint
from collector.endpoints.acts import GROUPS_LIMIT, TEXT_LIMIT, EndpointActs, EndpointRefused
from collector.entries import EntryKind, Registered
from tests.fakes.batches import START_US
from tests.fakes.journal import MemoryJournal, RecordedChanges

LINE = Endpoint(id="a-1", name="PC-1", department="icu")


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal(START_US)


@pytest.fixture
def acts(journal: MemoryJournal) -> EndpointActs:
    return EndpointActs(journal=journal, changes=RecordedChanges())


def written(journal: MemoryJournal) -> list[tuple[str, str, Registered]]:
    return [
        (entry.kind, entry.agent, msgspec.json.decode(entry.body, type=Registered))
        for entry in journal.after(0, 10)
    ]


def test_a_changed_line_is_one_entry_of_its_endpoint(journal, acts):
    acts.change(LINE, actor="wang")

    assert written(journal) == [
        (EntryKind.REGISTER, "a-1", Registered(endpoint=LINE, actor="wang"))
    ]


def test_the_lines_of_a_file_are_one_entry_and_none_is_no_entry(journal, acts):
    second = msgspec.structs.replace(LINE, id="a-2")

    acts.take_in((LINE, second), actor="wang", reason="list.csv")
    acts.take_in((), actor="wang")

    done = Registered(endpoint=LINE, actor="wang", others=(second,), reason="list.csv")
    assert written(journal) == [(EntryKind.REGISTER, "", done)]


def test_an_entry_of_before_is_read_as_it_was_meant():
    body = b'{"endpoint":{"id":"a-1","name":"PC-1"},"actor":"wang"}'

    assert msgspec.json.decode(body, type=Registered).others == ()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": ""}, "An endpoint needs a name"),
        ({"protection_level": 4}, "The protection level is 2 or 3"),
        ({"owner": "x" * (TEXT_LIMIT + 1)}, "owner is longer than 120 characters"),
        ({"groups": ("g",) * (GROUPS_LIMIT + 1)}, "groups is longer than"),
        ({"place": "a\0b"}, "place holds characters that cannot be printed"),
    ],
)
def test_a_line_that_cannot_stand_in_the_register_is_refused(journal, acts, changed, told):
    with pytest.raises(EndpointRefused, match=told):
        acts.change(msgspec.structs.replace(LINE, **changed), actor="wang")

    assert written(journal) == []
