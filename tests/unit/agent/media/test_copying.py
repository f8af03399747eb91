import msgspec
import pytest

from agent.media.copying import Copying
from agent.media.telling import Names
from agent.media.watched import MountedAt
from agent.system.fanotify import FileAccess
from checks.facts.base import UnknownProcess
from checks.facts.media import Medium, Partition
from checks.policy import parse_policy

MEDIUM = Medium(key="k", kind="stick", bus="usb", device="/dev/sdb")
WHERE = MountedAt(
    number=1,
    disk="d",
    medium=MEDIUM,
    partition=Partition(device="/dev/sdb1", size=1),
    mount_point="/mnt",
)
SECOND = msgspec.structs.replace(WHERE, number=2, mount_point="/mnt2")
POLICY = parse_policy("[thresholds]\nwritten_files = 3\nwritten_bytes = 1000\n")


@pytest.fixture
def copying():
    return Copying(POLICY, Names(b"salt"), lambda _pid: UnknownProcess(why="gone"))


def wrote(copying, *names, where=WHERE, size=1):
    for name in names:
        access = FileAccess(
            operations=("write",), pid=7, path=name.encode(), written=True, closed=True, size=size
        )
        copying.noted(where, access)


def told(facts):
    return [(fact.occasion, fact.files, fact.bytes) for fact in facts]


def test_the_first_file_is_told_and_the_next_ones_with_the_rest(copying):
    wrote(copying, "a")
    first = told(copying.news())
    wrote(copying, "b", "c")
    more = told(copying.news())

    assert (first, more) == ([("first", 1, 1)], [])
    assert told(copying.unmounted(1)) == [("ended", 3, 3)]


def test_more_than_the_policy_calls_much_is_told_each_time_it_doubles(copying):
    wrote(copying, *"abcd")
    many = told(copying.news())
    wrote(copying, *"efg")
    not_yet = told(copying.news())
    wrote(copying, "h")

    assert (many, not_yet) == ([("many", 4, 4)], [])
    assert told(copying.news()) == [("many", 8, 8)]


def test_much_is_by_bytes_as_well(copying):
    wrote(copying, "a", size=1000)
    first = told(copying.news())
    wrote(copying, "b")

    assert first == [("first", 1, 1000)]
    assert told(copying.news()) == [("many", 2, 1001)]


def test_another_policy_counts_from_then_on(copying):
    wrote(copying, *"ab")
    list(copying.news())

    copying.follow(parse_policy("[thresholds]\nwritten_files = 1\n"))

    assert told(copying.news()) == [("many", 2, 2)]


def test_reading_is_never_told(copying):
    copying.noted(WHERE, FileAccess(operations=("open",), pid=7, path=b"a"))
    copying.noted(WHERE, FileAccess(operations=("write",), pid=7, path=b"a", size=4))
    copying.noted(WHERE, FileAccess(operations=(), pid=7, path=b"a", moved="from"))

    assert [*copying.news(), *copying.unmounted(1), *copying.detached(MEDIUM)] == []


def test_both_file_systems_of_a_medium_count_together(copying):
    wrote(copying, *"ab")
    list(copying.news())
    wrote(copying, *"cd", where=SECOND)

    assert told(copying.news()) == [("many", 4, 4)]
    assert told(copying.unmounted(1)) == [("ended", 4, 4)]
    assert told(copying.unmounted(2)) == []


def test_what_is_pulled_out_is_told_once_and_a_new_insertion_begins_at_nothing(copying):
    wrote(copying, *"ab")
    pulled = told(copying.detached(MEDIUM))
    late = told(copying.unmounted(1))
    wrote(copying, "a")

    assert (pulled, late) == ([("ended", 2, 2)], [])
    assert told(copying.news()) == [("first", 1, 1)]


def test_another_medium_in_the_same_slot_is_another_one(copying):
    wrote(copying, *"ab")
    list(copying.news())
    other = msgspec.structs.replace(WHERE, medium=msgspec.structs.replace(MEDIUM, key="k2"))

    wrote(copying, "a", where=other)

    [first] = copying.news()
    assert (first.occasion, first.files, first.medium.key) == ("first", 1, "k2")


def test_dropped_events_are_said_with_the_counts(copying):
    copying.overran(WHERE)
    nothing_written = told(copying.unmounted(1))
    wrote(copying, "a")

    assert nothing_written == []
    assert [fact.at_least for fact in copying.news()] == [True]


def test_what_only_the_desktop_wrote_is_told_at_the_end_alone(copying):
    wrote(copying, ".DS_Store")
    at_first = told(copying.news())
    [ended] = copying.unmounted(1)

    assert at_first == []
    assert (ended.files, ended.housekeeping) == (0, 1)


def test_at_the_slow_beat_only_what_is_new_is_told(copying):
    wrote(copying, "a")
    list(copying.news())
    nothing = told(copying.meanwhile())
    wrote(copying, "b")

    assert nothing == []
    assert told(copying.meanwhile()) == [("meanwhile", 2, 2)]
    assert told(copying.meanwhile()) == []
