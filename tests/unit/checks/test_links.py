"""Which links lead out of the machine, and who stands behind those that do not."""

import pytest
from msgspec.structs import replace

from checks.facts.network import Address, Link, NetworkState
from checks.links import is_guest, is_strange
from checks.plan import AddressPlan
from tests.samples import AT_HOME, CABLE_PULLED, INTRANET, POLICY, TETHER, TETHERED

BRIDGE = Link(
    name="docker0", index=7, kind="bridge", driver="bridge", up=True,
    addresses=(
        Address(address="172.17.0.1", prefix_length=16),
        Address(address="198.18.0.1", prefix_length=15),
        Address(address="192.0.43.1", prefix_length=24),
    ),
)  # fmt: skip
CARD = Link(name="eth0", index=2, kind="ethernet", up=True, addresses=BRIDGE.addresses)


@pytest.mark.parametrize(
    ("link", "address", "expected"),
    [
        (BRIDGE, "172.17.0.2", True),
        (BRIDGE, "172.18.0.2", False),
        (BRIDGE, "192.0.43.8", False),
        (BRIDGE, "fd00::2", False),
        (CARD, "172.17.0.2", False),
    ],
    ids=["container", "routed behind one", "public", "other family", "hardware"],
)
def test_a_guest_is_a_private_address_on_the_subnet_of_a_link_that_ends_inside(
    link, address, expected
):
    assert is_guest(link, address) is expected


def beside(state: NetworkState, link: Link) -> tuple[Link, NetworkState]:
    return link, NetworkState(links=(*state.links, link), routes=state.routes)


SECOND = Link(name="eth1", index=9, kind="wired", up=True, carrier=True)


@pytest.mark.parametrize(
    ("where", "strange"),
    [
        ((TETHER, TETHERED), True),
        ((TETHER, CABLE_PULLED), True),
        ((INTRANET, AT_HOME), False),
        (beside(AT_HOME, SECOND), True),
        (beside(CABLE_PULLED, SECOND), False),
        (beside(AT_HOME, replace(SECOND, up=False)), False),
        (beside(AT_HOME, replace(SECOND, master="br0")), False),
        (beside(AT_HOME, replace(SECOND, kind="tunnel")), False),
        (beside(AT_HOME, replace(SECOND, kind="virtual")), False),
        (beside(AT_HOME, replace(SECOND, lower="eno1")), False),
        (beside(AT_HOME, replace(SECOND, lower="eth2")), True),
    ],
    ids=[
        "a telephone beside the intranet",
        "a telephone alone",
        "the intranet's card",
        "a second card",
        "a card that waits for its address",
        "a card that is down",
        "a port",
        "a tunnel",
        "ends inside",
        "rides on the intranet's card",
        "rides on another",
    ],
)
def test_what_stays_on_a_strange_link_leaves_the_hospital_all_the_same(where, strange):
    assert is_strange(*where, POLICY.plan) is strange


def test_without_a_plan_no_link_is_strange():
    assert not is_strange(TETHER, TETHERED, AddressPlan(()))
