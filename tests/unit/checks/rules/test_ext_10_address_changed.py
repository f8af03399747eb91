import pytest

from checks.facts.network import Address, Link, NetworkState, Route
from checks.facts.place import AddressChanged
from checks.policy import Endpoint, parse_policy
from tests.samples import judged, rules_raised

ZONE = """
[[zones]]
name = "intranet"
prefixes = ["10.20.0.0/16"]
via = [{ interface = "wired", gateway = "10.20.0.1" }, { interface = "wired", gateway = "10.20.0.2" }]
"""
BINDING = """
[[bindings]]
endpoint = "ward3-pc1"
address = "10.20.3.7"
prefix_length = 16
gateway = "10.20.0.1"
mac = "52:54:00:AA:BB:07"
"""
PC = Endpoint(id="ward3-pc1")
FREE, BOUND = parse_policy(ZONE), parse_policy(ZONE + BINDING)


def state(
    address: str = "10.20.3.7",
    length: int = 16,
    gateway: str = "10.20.0.1",
    mac: str = "52:54:00:aa:bb:07",
    *,
    up: bool = True,
) -> NetworkState:
    own = (Address(address=address, prefix_length=length),)
    link = Link(
        index=2, name="eth0", kind="wired", mac=mac, up=up, carrier=up, bus="pci", addresses=own
    )
    routes = (Route(destination="0.0.0.0/0", interface="eth0", gateway=gateway),)
    return NetworkState(links=(link,), routes=routes)


@pytest.mark.parametrize(
    ("what", "fact", "raised"),
    [
        ("as the register has it", state(), []),
        ("another address", state("10.20.3.8"), ["EXT-10"]),
        ("another mask", state(length=24), ["EXT-10"]),
        ("another gateway", state(gateway="10.20.0.2"), ["EXT-10"]),
        ("another card", state(mac="52:54:00:aa:bb:99"), ["EXT-10"]),
        ("the cable is out", state("10.20.3.8", up=False), []),
        ("an event about what is bound", AddressChanged(
            what="address", before="10.20.3.7/16", after="10.20.3.8/16", interface="eth0"
        ), []),
    ],
)  # fmt: skip
def test_what_is_bound_is_compared_with_the_register(what, fact, raised):
    assert rules_raised(fact, policy=BOUND, endpoint=PC) == raised, what


def test_without_a_binding_the_last_place_counts():
    fact = AddressChanged(
        what="address", before="10.20.3.7/16", after="10.20.3.8/16", interface="eth0"
    )

    [verdict] = judged(fact, policy=FREE, endpoint=PC)

    assert (verdict.rule, verdict.finding.subject) == ("EXT-10", "eth0")
    assert rules_raised(state("10.20.3.8"), policy=FREE, endpoint=PC) == []


def test_the_binding_that_decided_is_named():
    [verdict] = judged(state("10.20.3.8"), policy=BOUND, endpoint=PC)

    assert verdict.finding.decided_by == "binding ward3-pc1"
    assert (verdict.finding.params["found"], verdict.finding.params["bound"]) == (
        "10.20.3.8/16",
        "10.20.3.7/16",
    )
