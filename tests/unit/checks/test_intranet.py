import msgspec
import pytest

from checks.check import Context
from checks.facts.connections import Egress, Gateway
from checks.facts.network import Address, Link, NetworkState, Route
from checks.facts.witness import BeaconAnswered, IntranetWitness
from checks.intranet import intranet_links, is_witnessed, leads_inside
from checks.policy import parse_policy
from tests.samples import (
    AT_HOME,
    BY_GATEWAY,
    BY_TELEPHONE,
    CABLE_PULLED,
    NOW_US,
    TETHERED,
    connection,
    context,
    judged,
    rules_raised,
)

SMALL = parse_policy(
    """
[[zones]]
name = "clinic"
prefixes = ["192.168.1.0/24"]
via = [{ interface = "wifi", gateway = "192.168.1.1" }]
"""
)
"""A plan that any router at home fits."""
AT_CLINIC = Gateway(address="192.168.1.1", mac="02:00:00:00:00:c1")
ELSEWHERE = Gateway(address="192.168.1.1", mac="02:00:00:00:00:d2")
WITNESSED = IntranetWitness(gateways=(AT_CLINIC,), last_answer_us=NOW_US)


def over(gateway: Gateway) -> Egress:
    return Egress(
        interface="wlan0",
        kind="wifi",
        gateway=gateway.address,
        gateway_mac=gateway.mac,
        link_gateways=(gateway,),
    )


def at(gateway: Gateway) -> NetworkState:
    laptop = Link(
        index=3,
        name="wlan0",
        kind="wifi",
        up=True,
        carrier=True,
        addresses=(Address(address="192.168.1.50", prefix_length=24),),
    )
    default = Route(
        destination="0.0.0.0/0",
        interface="wlan0",
        gateway=gateway.address,
        gateway_mac=gateway.mac,
    )
    return NetworkState(links=(laptop,), routes=(default,))


def in_the_clinic(witness: IntranetWitness | None) -> Context:
    return context(policy=SMALL, known={IntranetWitness: witness} if witness else {})


@pytest.mark.parametrize(
    ("what", "gateway", "witness", "inside"),
    [
        ("the witnessed gateway", AT_CLINIC, WITNESSED, True),
        ("the same address, another MAC", ELSEWHERE, WITNESSED, False),
        ("before the first answer", ELSEWHERE, None, True),
        ("an answer past no gateway", ELSEWHERE, IntranetWitness(gateways=()), True),
        ("a MAC nobody knows yet", Gateway(address="192.168.1.1"), WITNESSED, True),
        (
            "written in capitals",
            Gateway(address="192.168.1.1", mac="02:00:00:00:00:C1"),
            WITNESSED,
            True,
        ),
        ("an address the plan does not name", Gateway(address="10.9.9.9"), WITNESSED, False),
    ],
)
def test_a_way_is_the_intranet_by_plan_and_by_what_answered_past_it(what, gateway, witness, inside):
    known = in_the_clinic(witness)

    assert leads_inside(over(gateway), known) is inside, what
    assert bool(intranet_links(at(gateway), known)) is inside, what


def test_a_gateway_that_the_plan_names_by_its_mac_needs_no_witness():
    others = IntranetWitness(gateways=(ELSEWHERE,))
    known = context(known={IntranetWitness: others})

    assert leads_inside(BY_GATEWAY, known)
    assert [link.name for link in intranet_links(AT_HOME, known)] == ["eno1"]


def test_one_witnessed_gateway_of_several_is_enough():
    assert is_witnessed((ELSEWHERE, AT_CLINIC), WITNESSED) is True


def test_a_router_at_home_with_the_hospitals_address_makes_outreach_while_away():
    seen = connection(egress=over(ELSEWHERE))
    place = {"policy": SMALL, "network": at(ELSEWHERE)}

    assert rules_raised(seen, witness=WITNESSED, **place) == ["EXT-02"]
    assert rules_raised(seen, witness=None, **place) == ["EXT-06"]


def test_the_collector_being_down_makes_nobody_away():
    long_ago = msgspec.structs.replace(WITNESSED, last_answer_us=NOW_US - 8 * 3600 * 1_000_000)
    seen = connection(egress=over(AT_CLINIC))

    raised = rules_raised(seen, witness=long_ago, policy=SMALL, network=at(AT_CLINIC))

    assert raised == ["EXT-06"]


def confirmed(egress: Egress) -> BeaconAnswered:
    return BeaconAnswered(
        beacon="203.0.113.5:8080",
        egress=egress,
        nonce="00" * 32,
        receipt="7b7d",
        signature="00" * 64,
        answered_us=NOW_US,
    )


@pytest.mark.parametrize(
    ("what", "network", "egress", "raised"),
    [
        ("on the intranet", TETHERED, BY_TELEPHONE, ["EXT-01"]),
        ("away", CABLE_PULLED, BY_TELEPHONE, ["EXT-02"]),
        ("past the planned gateway", AT_HOME, BY_GATEWAY, []),
    ],
)
def test_the_beacons_answer_confirms_the_way(what, network, egress, raised):
    assert rules_raised(confirmed(egress), network=network) == raised, what


def test_a_confirmed_way_joins_the_case_of_what_was_reached_over_it():
    [reached] = judged(connection(egress=BY_TELEPHONE), network=TETHERED)
    [told] = judged(confirmed(BY_TELEPHONE), network=TETHERED)

    assert told.finding.subject == reached.finding.subject
    assert told.finding.params["beacon"] == "203.0.113.5:8080"


VPN = parse_policy(
    """
[[zones]]
name = "ward"
prefixes = ["10.20.0.0/16"]
via = [{ interface = "wired", gateway = "10.20.0.1" }, { interface = "tunnel" }]

[[approved]]
name = "vpn of the hospital"
destinations = ["198.51.100.9/32"]
protocol = "udp"
ports = [51820]
via = "wifi"
expires = 2027-06-30
applicant = "a"
approver = "b"
"""
)
TUNNEL = Egress(interface="wg0", kind="tunnel")


@pytest.mark.parametrize(
    ("what", "changes", "raised"),
    [
        (
            "the tunnel's own packets",
            {"destination": "198.51.100.9", "destination_port": 51820, "protocol": "udp"},
            [],
        ),
        ("the hospital through the tunnel", {"destination": "10.20.4.4", "egress": TUNNEL}, []),
        ("anything else", {}, ["EXT-02"]),
    ],
)
def test_a_way_to_the_hospital_from_outside_is_benign_when_the_policy_names_it(
    what, changes, raised
):
    seen = connection(**{"egress": over(ELSEWHERE), **changes})

    assert rules_raised(seen, policy=VPN, network=at(ELSEWHERE)) == raised, what


APPROVED_AT_CLINIC = parse_policy(
    """
[[zones]]
name = "clinic"
prefixes = ["192.168.1.0/24"]
via = [{ interface = "wifi", gateway = "192.168.1.1" }]

[[approved]]
name = "time"
destinations = ["203.0.113.80/32"]
expires = 2027-01-01
"""
)


@pytest.mark.parametrize(
    ("what", "gateway", "witness", "raised"),
    [
        ("past the witnessed gateway", AT_CLINIC, WITNESSED, []),
        ("past a router that only looks like it", ELSEWHERE, WITNESSED, ["EXT-02"]),
        ("before the first answer", ELSEWHERE, None, []),
    ],
)
def test_what_is_approved_over_the_intranet_is_so_past_a_gateway_that_is_the_intranets(
    what, gateway, witness, raised
):
    seen = connection(egress=over(gateway))

    rules = rules_raised(seen, policy=APPROVED_AT_CLINIC, network=at(gateway), witness=witness)

    assert rules == raised, what


def test_a_laptop_behind_a_router_at_home_has_no_second_way_out():
    network = at(ELSEWHERE)
    docked = msgspec.structs.replace(
        network,
        links=(*network.links, *(link for link in TETHERED.links if link.name == "eno1")),
        routes=(*network.routes, *AT_HOME.routes),
    )

    assert rules_raised(docked, policy=SMALL, witness=None) == ["EXT-03"]
    assert rules_raised(docked, policy=SMALL, witness=WITNESSED) == []
