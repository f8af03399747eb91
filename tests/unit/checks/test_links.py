"""Which links lead out of the machine, and who stands behind those that do not."""

import pytest

from checks.facts.network import Address, Link
from checks.links import is_guest

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
