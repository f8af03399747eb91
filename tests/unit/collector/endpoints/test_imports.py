import msgspec
import pytest

from checks.policy import Endpoint
from collector.columns import FAULTS_SHOWN
from collector.endpoints.imports import read_lines
from collector.judging.records import EndpointRecord, EndpointState

HEADING = ["id", "name", "owner"]
ZONES = {"ward"}


def enrolled(agent: str, name: str, *, host: str = "", state: EndpointState = "online"):
    line = Endpoint(id=agent, name=name, owner="a", zone="ward")
    return EndpointRecord(registered=line, host=host, state=state)


KNOWN = (
    enrolled("a-1", "PC-1", host="one"),
    enrolled("a-2", "PC-2"),
    enrolled("a-3", "TWIN"),
    enrolled("a-4", "twin"),
    enrolled("a-5", "PC-5", state="revoked"),
    enrolled("a-6", "PC-5"),
)


def read(*rows, heading=HEADING):
    return read_lines([heading, *rows], KNOWN, zones=ZONES)


def test_changed_and_unchanged_lines_are_told_apart():
    reading = read(["a-1", "PC-1", "b"], ["a-2", "PC-2", "a"])

    assert reading.changed == (msgspec.structs.replace(KNOWN[0].registered, owner="b"),)
    assert (reading.same, reading.faults) == (1, ())


@pytest.mark.parametrize(
    ("row", "agent"),
    [
        (["", "pc-2", "b"], "a-2"),
        (["", "ONE", "b"], "a-1"),
        (["", "PC-5", "b"], "a-6"),
        (["a-5", "PC-5", "b"], "a-5"),
    ],
    ids=["by name", "by host name", "by the name of one that is trusted", "by id"],
)
def test_an_endpoint_is_known_by_its_id_else_by_its_name(row, agent):
    [line] = read(row).changed

    assert (line.id, line.owner) == (agent, "b")


@pytest.mark.parametrize(
    ("what", "rows", "told"),
    [
        ("nothing", [], {1: "The file has no rows below its heading"}),
        ("a stranger", [["a-9", "X", ""]], {2: "No endpoint has the id a-9"}),
        ("a strange name", [["", "X", ""]], {2: "No endpoint is called X"}),
        ("two of a name", [["", "Twin", ""]], {2: "2 endpoints are called Twin; give the id"}),
        (
            "nobody, blank rows are counted",
            [["", "", ""], ["", "", "b"]],
            {3: "The row names no endpoint, neither by id nor by name"},
        ),
        (
            "twice",
            [["a-1", "PC-1", "b"], ["", "PC-1", "c"]],
            {3: "This endpoint is there twice, first in row 2"},
        ),
        ("no name", [["a-1", "", "b"]], {2: "An endpoint needs a name"}),
        ("too long", [["a-1", "A", "x" * 121]], {2: "owner is longer than 120 characters"}),
        (
            "an override",
            [["a-1", "A", "x\u202e"]],
            {2: "owner holds characters that cannot be printed"},
        ),
    ],
)
def test_each_wrong_row_is_told_by_its_number(what, rows, told):
    reading = read(*rows)

    assert {f.row: f.message.format(**f.params) for f in reading.faults} == told, what


def test_with_one_wrong_row_no_row_is_taken():
    reading = read(["a-2", "PC-2", "new"], ["a-9", "X", ""])

    assert reading.faulty == 1
    assert reading.changed == ()


def test_a_heading_that_is_unclear_is_told_as_row_one():
    reading = read(["a-1", "x"], heading=["id", "colour"])

    assert [(f.row, f.params) for f in reading.faults] == [(1, {"value": "colour"})]


def test_a_line_that_stays_as_it_was_is_not_found_fault_with():
    odd = enrolled("a-1", "PC\u202e1")

    reading = read_lines([["id", "owner"], ["a-1", "a"]], [odd], zones=ZONES)

    assert (reading.same, reading.faults) == (1, ())


def test_of_very_many_mistakes_the_first_are_told_and_all_are_counted():
    reading = read(*([f"b-{n}", "", ""] for n in range(FAULTS_SHOWN + 5)))

    assert (len(reading.faults), reading.faulty) == (FAULTS_SHOWN, FAULTS_SHOWN + 5)


def test_a_zone_that_the_policy_does_not_know_is_told_and_hinders_nothing():
    reading = read(["a-1", "moon"], ["a-2", ""], heading=["id", "zone"])

    assert [line.zone for line in reading.changed] == ["moon", ""]
    [doubt] = reading.warnings
    assert (doubt.row, doubt.message.format(**doubt.params)) == (
        2,
        "Zone moon is not in the policy",
    )
    assert reading.warned == 1
