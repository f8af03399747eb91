"""netifaces and our netlink tables agree on this machine, and a difference is said."""

import msgspec

from agent.system.network_table import NetworkTable
from agent.system.second_opinion import differences


def test_both_see_the_same_gateways_and_addresses():
    table = NetworkTable()
    try:
        assert any(link.addresses for link in table.state.links)
        assert differences(table.state) == ()
    finally:
        table.close()


def test_an_address_that_only_one_sees_is_named():
    table = NetworkTable()
    state = msgspec.structs.replace(table.state, links=table.state.links[1:], routes=())
    table.close()

    assert "only netifaces: address 127.0.0.1 on lo" in differences(state)
