import pytest

from agent.beacon import Way, due, unknown_ways
from checks.approvals import standing
from checks.beacon import address_of
from checks.policy import PolicyError, parse_policy
from tests.samples import (
    AT_HOME,
    BY_GATEWAY,
    BY_TELEPHONE,
    CABLE_PULLED,
    POLICY_TEXT,
    TETHERED,
    connection,
    context,
)

KEY = "ab" * 32
BEACON = f'[beacon]\nurl = "http://203.0.113.5:8080"\npublic_key = "{KEY}"\n'
POLICY = parse_policy(POLICY_TEXT + BEACON)
BY_TETHER = Way(3, "usb0", "192.168.42.20", ("192.168.42.129",))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://203.0.113.5:8080", ("203.0.113.5", 8080)),
        ("http://203.0.113.5/", ("203.0.113.5", 80)),
        ("http://[2001:db8::5]:81/", ("2001:db8::5", 81)),
        ("http://[2001:db8::5]", ("2001:db8::5", 80)),
    ],
)
def test_a_beacon_is_known_by_address_and_port(url, told):
    assert address_of(url) == told


@pytest.mark.parametrize(
    ("what", "lines"),
    [
        ("a name", 'url = "http://beacon.hospital.example:8080"'),
        ("no key", 'url = "http://203.0.113.5:8080"'),
        ("no address", f'url = "http://999.0.113.5"\npublic_key = "{KEY}"'),
        ("no port", f'url = "http://203.0.113.5:70000"\npublic_key = "{KEY}"'),
        ("no scheme", f'url = "203.0.113.5:80"\npublic_key = "{KEY}"'),
        ("no span", f'url = "http://203.0.113.5"\npublic_key = "{KEY}"\nevery = "soon"'),
    ],
)
def test_a_beacon_that_cannot_be_asked_is_refused_at_the_door(what, lines):
    with pytest.raises(PolicyError, match="beacon"):
        parse_policy(f"[beacon]\n{lines}\n")


@pytest.mark.parametrize(
    ("what", "network", "ways"),
    [
        ("only the intranet", AT_HOME, []),
        ("a telephone beside it", TETHERED, [BY_TETHER]),
        ("only a telephone", CABLE_PULLED, [BY_TETHER]),
    ],
)
def test_it_is_asked_only_over_ways_that_the_plan_does_not_know(what, network, ways):
    assert list(unknown_ways(network, POLICY.plan, "203.0.113.5")) == ways, what


def test_a_way_without_a_route_of_the_beacons_family_is_not_asked():
    assert list(unknown_ways(TETHERED, POLICY.plan, "2001:db8::5")) == []


def test_the_same_uplink_is_not_asked_again_before_its_time():
    asked = {("usb0", "192.168.42.129"): 100.0}

    assert due(iter([BY_TETHER]), asked, 3699.0, 3600.0) == []
    assert due(iter([BY_TETHER]), asked, 3700.0, 3600.0) == [BY_TETHER]
    other = Way(3, "usb0", "192.168.42.20", ("192.168.42.1",))
    assert due(iter([other]), asked, 101.0, 3600.0) == [other]


@pytest.mark.parametrize(
    ("what", "changes", "accepted"),
    [
        ("the question", {"egress": BY_TELEPHONE}, True),
        ("the question unanswered", {"egress": BY_TELEPHONE, "answer": "none"}, True),
        ("over the intranet: a hole in the boundary", {"egress": BY_GATEWAY}, False),
        ("another port", {"egress": BY_TELEPHONE, "destination_port": 443}, False),
        ("another protocol", {"egress": BY_TELEPHONE, "protocol": "udp"}, False),
        ("another host", {"egress": BY_TELEPHONE, "destination": "203.0.113.6"}, False),
    ],
)
def test_the_agents_own_question_is_no_violation(what, changes, accepted):
    seen = connection(**{"destination": "203.0.113.5", "destination_port": 8080, **changes})

    assert standing(seen, context(policy=POLICY)).accepted is accepted, what
