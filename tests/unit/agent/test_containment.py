import pytest
from msgspec.structs import replace

from agent.containment import Situation, Wish, carrying, objection, wishes
from agent.policy_cache import local_document
from checks.facts.base import UnknownProcess
from checks.facts.connections import ConnectionSeen, Egress
from checks.facts.network import Address, Link, LinkKind, NetworkState, Route, UplinkDevice
from checks.finding import Finding, Outcome, Severity, Verdict
from checks.policy import parse_policy

POLICY = """
mode = "enforce"
[[zones]]
name = "ward"
prefixes = ["10.20.0.0/16"]
via = [{ interface = "wired", gateway = "10.20.0.1" }]
[[zones]]
name = "watched only"
prefixes = ["10.30.0.0/16"]
mode = "observe"
[containment]
rules = ["EXT-01", "EXT-04"]
"""


def link(name: str, kind: LinkKind, address: str = "", **more: object) -> Link:
    addresses = (Address(address=address, prefix_length=24),) if address else ()
    return Link(
        index=sum(name.encode()), name=name, kind=kind, up=True, carrier=True,
        addresses=addresses, **more,
    )  # fmt: skip


LOOPBACK = link("lo", "loopback", "127.0.0.1")
INTRANET = link("eth0", "wired", "10.20.3.17")
TETHER = link("usb0", "usb_tether", "192.168.42.7", device="18d1:4ee3:A1")
ROUTES = (
    Route(destination="0.0.0.0/0", interface="eth0", gateway="10.20.0.1"),
    Route(destination="0.0.0.0/0", interface="usb0", gateway="192.168.42.129"),
)
NETWORK = NetworkState(links=(LOOPBACK, INTRANET, TETHER), routes=ROUTES)
USED = ConnectionSeen(
    protocol="tcp", source="192.168.42.7", source_port=4, destination="203.0.113.9",
    destination_port=443, direction="out", answer="two_way",
    egress=Egress(interface="usb0", kind="usb_tether", gateway="192.168.42.129"),
    process=UnknownProcess(why="gone"),
    first_seen_us=1,
)  # fmt: skip


def situation(policy=POLICY, *, network=NETWORK, own_address="10.20.3.17", **endpoint):
    document = local_document(parse_policy(policy), "agent-1")
    document = replace(document, endpoint=replace(document.endpoint, **endpoint))
    return Situation(document=document, network=network, own_address=own_address)


def fails(rule, subject):
    finding = Finding(subject=subject, message="")
    return [Verdict(rule=rule, outcome=Outcome.FAIL, finding=finding, severity=Severity.HIGH)]


@pytest.mark.parametrize(
    ("rule", "subject", "fact"),
    [
        ("EXT-01", "usb_tether usb0", USED),
        ("EXT-04", "usb0", NETWORK),
        ("EXT-04", "18d1:4ee3:A1", NETWORK),
        ("EXT-04", "18d1:4ee3:A1",
         UplinkDevice(action="attached", uplink="usb_tether", device="x", interface="usb0")),
    ],
)  # fmt: skip
def test_the_link_that_the_finding_is_about_is_wanted_cut(rule, subject, fact):
    found = list(wishes(fails(rule, subject), fact, situation()))

    assert found == [(Wish(ground=rule, interface="usb0"), TETHER)]


@pytest.mark.parametrize(
    ("rule", "subject", "policy", "endpoint"),
    [
        ("EXT-03", "usb0", POLICY, {}),
        ("EXT-04", "usb9", POLICY, {}),
        ("EXT-04", "", POLICY, {}),
        ("EXT-04", "usb0", POLICY.replace("enforce", "alert"), {}),
        ("EXT-04", "usb0", POLICY.replace("enforce", "observe"), {}),
        ("EXT-04", "usb0", POLICY, {"zone": "watched only"}),
    ],
)
def test_nothing_is_wanted_without_the_policy_or_the_link(rule, subject, policy, endpoint):
    asked = situation(policy, **endpoint)

    assert list(wishes(fails(rule, subject), NETWORK, asked)) == []


def test_a_zone_that_enforces_does_so_under_a_policy_that_does_not():
    policy = POLICY.replace('"enforce"', '"alert"').replace('"observe"', '"enforce"')
    asked = situation(policy, zone="watched only")

    assert len(list(wishes(fails("EXT-04", "usb0"), NETWORK, asked))) == 1


def test_an_extra_uplink_may_be_cut():
    assert objection(TETHER, situation()) is None


@pytest.mark.parametrize("clinical", ["life_support", "theatre", "emergency", "icu", "cashier"])
def test_of_a_clinical_endpoint_nothing_is_ever_cut(clinical):
    assert objection(TETHER, situation(clinical=clinical)) == "clinical"


@pytest.mark.parametrize(
    ("asked_about", "why"), [(LOOPBACK, "loopback"), (INTRANET, "intranet_link")]
)
def test_what_the_machine_needs_is_never_cut(asked_about, why):
    assert objection(asked_about, situation()) == why


def test_the_way_to_the_collector_is_never_cut_whatever_the_plan_says():
    assert objection(TETHER, situation(own_address="192.168.42.7")) == "own_uplink"


def test_the_only_way_is_not_extra():
    alone = NetworkState(links=(LOOPBACK, TETHER), routes=ROUTES[1:])
    without_carrier = replace(NETWORK, links=(LOOPBACK, replace(INTRANET, carrier=False), TETHER))

    assert objection(TETHER, situation(network=alone)) == "only_way"
    assert objection(TETHER, situation(network=without_carrier)) == "only_way"


def test_what_carries_the_intranet_is_never_cut():
    port = link("eth1", "wired", master="bond0")
    bond = link("bond0", "wired", lower="", driver="bond")
    vlan = link("bond0.20", "wired", "10.20.3.17", lower="bond0")
    routes = (Route(destination="0.0.0.0/0", interface="bond0.20", gateway="10.20.0.1"),)
    network = NetworkState(links=(port, bond, vlan, TETHER), routes=routes)

    assert carrying(["bond0.20"], network) == {"bond0.20", "bond0", "eth1"}
    assert objection(port, situation(network=network)) == "intranet_link"
    assert objection(TETHER, situation(network=network)) is None
