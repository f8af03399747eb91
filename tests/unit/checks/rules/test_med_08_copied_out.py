import msgspec
import pytest

from checks.facts.base import Process, UnknownProcess
from checks.facts.copying import MediumWritten, Writer
from checks.facts.media_register import MediumStanding, RegisteredMedium
from checks.policy import Endpoint, parse_policy
from tests.samples import STICK, judged, rules_raised

LINE = RegisteredMedium(number="R-1", key="k1", owner="ward 3")
READ_ONLY = msgspec.structs.replace(LINE, access="read_only")
NURSE = Process(pid=7, name="cp", executable="/usr/bin/cp", user="nurse")
COPIED = MediumWritten(
    medium=STICK,
    mount_point="/media/a/KEYS",
    occasion="ended",
    files=3,
    bytes=2_500_000,
    types={"pdf": 1, "dcm": 2},
    writers=(
        Writer(process=UnknownProcess(why="gone"), files=1),
        Writer(process=NURSE, files=2),
    ),
)


def raised(entry, policy="", endpoint="ward3-pc1", **written):
    return rules_raised(
        msgspec.structs.replace(COPIED, **written),
        policy=parse_policy(policy),
        endpoint=Endpoint(id=endpoint),
        standing=MediumStanding(key="k1", entry=entry),
    )


@pytest.mark.parametrize(
    ("what", "entry", "written", "rules"),
    [
        ("tens of files on a registered medium", LINE, {"files": 60}, []),
        ("one file on a reading-only one", READ_ONLY, {"files": 1}, ["MED-08"]),
        ("an empty file on a reading-only one", READ_ONLY, {"files": 1, "bytes": 0}, ["MED-08"]),
        ("the desktop's own notes", READ_ONLY, {"files": 0, "housekeeping": 9}, []),
        ("nothing, with events lost", READ_ONLY, {"files": 0, "at_least": True}, []),
        ("an unregistered medium is MED-01's", None, {"files": 60}, []),
        ("as many as are allowed", LINE, {"files": 200}, []),
        ("too many files", LINE, {"files": 201}, ["MED-08"]),
        ("as much as is allowed", LINE, {"bytes": 1_000_000_000}, []),
        ("too much", LINE, {"bytes": 1_000_000_001}, ["MED-08"]),
        ("too many files to an unregistered medium", None, {"files": 201}, ["MED-08"]),
        ("too much, told before the end", LINE, {"files": 201, "occasion": "many"}, ["MED-08"]),
    ],
)
def test_what_is_copied_out(what, entry, written, rules):
    assert raised(entry, **written) == rules, what


def test_the_thresholds_are_the_policys():
    policy = "[thresholds]\nwritten_files = 5\nwritten_bytes = 2500000\n"

    assert raised(LINE, policy, files=5) == []
    assert raised(LINE, policy, files=6) == ["MED-08"]
    assert raised(LINE, policy, bytes=2_500_001) == ["MED-08"]


def test_at_an_import_station_only_reading_only_media_are_told():
    policy = '[scanning]\nstations = ["import-1"]\n'

    assert raised(LINE, policy, "import-1", files=5000) == []
    assert raised(READ_ONLY, policy, "import-1", files=1) == ["MED-08"]


def test_what_was_written_is_said_with_counts_bytes_types_and_who_wrote_most():
    [verdict] = judged(COPIED, standing=MediumStanding(key="k1", entry=READ_ONLY))

    finding = verdict.finding
    assert (verdict.rule, verdict.severity, finding.subject) == ("MED-08", "high", "k1")
    assert finding.decided_by == "media register R-1"
    assert {name: finding.params[name] for name in ("files", "size", "types", "number")} == {
        "files": "3",
        "size": "2.5",
        "types": "dcm 2, pdf 1",
        "number": "R-1",
    }
    assert (finding.params["process"], finding.params["user"]) == ("/usr/bin/cp", "nurse")


def test_the_threshold_that_was_passed_decides():
    standing = MediumStanding(key="k1", entry=LINE)
    many = msgspec.structs.replace(COPIED, files=201, types=dict.fromkeys("abcdef", 1), writers=())

    [verdict] = judged(many, standing=standing)

    assert verdict.finding.decided_by == "thresholds.written_files 200"
    assert verdict.finding.params["types"] == "a 1, b 1, c 1, d 1, …"
    assert (verdict.finding.params["process"], verdict.finding.params["user"]) == ("?", "-")
