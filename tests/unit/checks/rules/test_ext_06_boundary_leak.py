import pytest

from checks.facts.base import UnknownProcess
from checks.policy import Endpoint
from tests.samples import connection, judged, rules_raised

FRONT_END = Endpoint(id="front-end", name="front-end")


def test_an_outside_address_reached_through_the_planned_gateway():
    [verdict] = judged(connection())

    assert (verdict.rule, verdict.finding.subject) == ("EXT-06", "eno1 via 10.20.0.1")
    assert verdict.finding.params["process"] == "/usr/bin/curl"
    assert verdict.finding.params["destination"] == "203.0.113.80:443"


@pytest.mark.parametrize(
    ("what", "changes", "endpoint", "raised"),
    [
        ("insurance from the front-end", {"destination": "203.0.113.7"}, FRONT_END, []),
        (
            "another port",
            {"destination": "203.0.113.7", "destination_port": 80},
            FRONT_END,
            ["EXT-06"],
        ),
        (
            "another protocol",
            {"destination": "203.0.113.7", "protocol": "udp"},
            FRONT_END,
            ["EXT-06"],
        ),
        ("another host", {"destination": "203.0.113.7"}, Endpoint(id="x"), ["EXT-06"]),
        (
            "nobody knows the process",
            {"process": UnknownProcess(why="gone")},
            FRONT_END,
            ["EXT-06"],
        ),
    ],
)
def test_an_approval_counts_only_for_its_subject(what, changes, endpoint, raised):
    assert rules_raised(connection(**changes), endpoint=endpoint) == raised, what


def test_an_approval_that_ran_out_is_named_as_what_decided():
    [verdict] = judged(connection(destination="203.0.113.9"))

    assert verdict.finding.decided_by == "approval vendor not in force (until 2026-11-01)"
