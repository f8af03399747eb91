from agent.media.telling import Names, accessed, scanner_state
from agent.media.watched import MountedAt, Watched
from checks.facts.base import UnknownProcess
from checks.facts.media import Medium, Partition, ScannerState

WATCHED = Watched(
    MountedAt(
        number=1,
        disk="d",
        medium=Medium(key="k", kind="stick", bus="usb"),
        partition=Partition(device="/dev/a1", size=1),
        mount_point="/mnt",
    )
)
GONE = UnknownProcess(why="gone")


def test_a_file_travels_as_hash_and_suffix_only():
    fact = accessed(WATCHED, "open", "病历/张三.PDF".encode(), GONE, Names(b"salt"))

    assert (fact.suffix, fact.file_name, len(fact.file_hash)) == ("pdf", "", 32)


def test_its_name_travels_where_the_policy_says_so():
    names = Names(b"salt")
    names.travel = True

    assert accessed(WATCHED, "open", b"\xff.txt", GONE, names).file_name == "�.txt"


def test_another_endpoints_salt_gives_another_hash():
    assert Names(b"1").hashed(b"a") != Names(b"2").hashed(b"a")
    assert Names(b"1").hashed(b"a") == Names(b"1").hashed(b"a")


def test_no_engine_is_a_state_with_its_reason():
    assert scanner_state(None, "why") == ScannerState(available=False, reason="why")
