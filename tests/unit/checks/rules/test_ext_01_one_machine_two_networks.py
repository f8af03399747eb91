import msgspec
import pytest

from checks.facts.connections import Egress, Gateway
from checks.finding import Outcome, Severity
from tests.samples import (
    BY_GATEWAY,
    BY_TELEPHONE,
    CABLE_PULLED,
    ON_LINK,
    POLICY,
    TETHERED,
    connection,
    judged,
    rules_raised,
)


def test_an_outside_address_reached_over_a_telephone_while_the_intranet_is_up():
    [verdict] = judged(connection(egress=BY_TELEPHONE), network=TETHERED)

    assert (verdict.rule, verdict.severity) == ("EXT-01", Severity.CRITICAL)
    assert verdict.finding.subject == "usb0 via 192.168.42.129"
    assert verdict.finding.params["intranet"] == "eno1"
    assert verdict.finding.decided_by == "default: outside the address plan"


@pytest.mark.parametrize(
    ("what", "changes", "raised"),
    [
        ("a prefix of the plan over a telephone", {"destination": "192.1.7.7"}, ["EXT-01"]),
        (
            "an answer to an incoming connection",
            {"direction": "in", "source": "198.51.100.1"},
            ["EXT-01"],
        ),
        ("no answer", {"answer": "none"}, ["EXT-17"]),
        ("only a reset", {"answer": "refused"}, ["EXT-17"]),
        ("a neighbour at the other end of the cable", {"destination": "169.254.1.1"}, ["EXT-01"]),
        (
            "a broadcast of that neighbour",
            {"direction": "in", "source": "169.254.1.1", "destination": "255.255.255.255"},
            [],
        ),
        ("multicast", {"destination": "239.1.2.3", "protocol": "udp"}, []),
    ],
)
def test_what_counts_as_reached_over_an_unplanned_uplink(what, changes, raised):
    assert rules_raised(connection(egress=BY_TELEPHONE, **changes), network=TETHERED) == raised, (
        what
    )


@pytest.mark.parametrize(
    ("what", "egress", "destination", "raised"),
    [
        ("link-local on its own link", ON_LINK, "fe80::1", []),
        ("the plan over its own gateway", BY_GATEWAY, "10.20.200.1", []),
        ("the plan on its own link", ON_LINK, "10.20.3.9", []),
        ("historical public prefix used inside", BY_GATEWAY, "192.1.7.7", []),
        (
            "another router on the planned link",
            msgspec.structs.replace(BY_GATEWAY, gateway="10.20.0.99", gateway_mac=""),
            "10.20.200.1",
            ["EXT-01"],
        ),
        (
            "the planned gateway's address on another machine",
            msgspec.structs.replace(BY_GATEWAY, gateway_mac="02:00:00:00:00:66"),
            "10.20.200.1",
            ["EXT-01"],
        ),
        (
            "a second card of the same kind on the same prefix",
            Egress(interface="eno2", kind="wired", link_gateways=(Gateway(address="10.20.9.1"),)),
            "10.20.3.9",
            ["EXT-01"],
        ),
        (
            "no route explains it",
            msgspec.structs.replace(ON_LINK, gateway_known=False),
            "10.20.3.9",
            ["EXT-01"],
        ),
    ],
)
def test_inside_is_the_prefix_and_the_way(what, egress, destination, raised):
    assert rules_raised(connection(egress=egress, destination=destination)) == raised, what


def test_without_the_intranet_link_it_is_away_not_two_networks():
    assert rules_raised(connection(egress=BY_TELEPHONE), network=CABLE_PULLED) == ["EXT-02"]


def test_without_a_network_state_the_answer_is_unknown():
    verdicts = judged(connection(egress=BY_TELEPHONE), network=None)

    assert [(v.rule, v.outcome, v.why_unknown) for v in verdicts] == [
        ("EXT-01", Outcome.UNKNOWN, "NetworkState never reported"),
        ("EXT-02", Outcome.UNKNOWN, "NetworkState never reported"),
    ]


def test_the_count_of_flows_goes_into_the_finding():
    [verdict] = judged(connection(egress=BY_TELEPHONE, flows=12), network=TETHERED, policy=POLICY)

    assert verdict.finding.count == 12
