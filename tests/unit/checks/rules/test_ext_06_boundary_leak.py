import pytest

from checks.facts.base import UnknownProcess
from checks.policy import Endpoint, parse_policy
from tests.samples import POLICY_TEXT, connection, judged, rules_raised

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


@pytest.mark.parametrize(
    ("destination", "effect", "forbidden"),
    [
        ("203.0.113.7", "deny", "203.0.113.0/24"),
        ("203.0.113.7", "block", "203.0.113.0/24"),
        ("10.20.9.9", "deny", "10.20.9.9/32"),
    ],
)
def test_what_is_forbidden_leaks_although_it_is_approved_or_inside(destination, effect, forbidden):
    entry = f'\n[[approved]]\nname = "x"\neffect = "{effect}"\ndestinations = ["{forbidden}"]'
    policy = parse_policy(POLICY_TEXT + entry)

    [verdict] = judged(connection(destination=destination), policy=policy, endpoint=FRONT_END)

    assert (verdict.rule, verdict.finding.decided_by) == ("EXT-06", f"{effect} x")


def test_a_zone_may_deny_by_default():
    zone = '\n[[zones]]\nname = "guests"\nprefixes = ["10.20.9.0/24"]\ndefault = "deny"\n'
    policy = parse_policy(POLICY_TEXT + zone + 'via = [{ gateway = "10.20.0.1" }]')

    [verdict] = judged(connection(destination="10.20.9.9"), policy=policy)

    assert verdict.finding.decided_by == "zone guests: denied by default"
    assert rules_raised(connection(destination="10.20.8.9"), policy=policy) == []
