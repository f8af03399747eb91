"""The kernel's tables as they come to know a gateway."""

import pytest

from agent.system.network_table import NetworkTable
from tests import netns
from tests.support.live import Place, until

pytestmark = pytest.mark.skipif(bool(netns.missing()), reason=netns.missing() or "can run")


def test_a_way_has_its_gateways_mac_as_soon_as_the_kernel_has_it():
    with netns.hospital() as hospital:
        hospital.plug_second_link()
        workstation = Place(hospital.workstation)
        shell = ["sh", "-ec", "ip route add 203.0.113.0/24 via 192.168.43.1 dev second0"]
        hospital.run(hospital.workstation, "sh", "-ec", "ip address flush dev second0; "
                     "ip address add 192.168.43.2/24 dev second0")  # fmt: skip
        hospital.run(hospital.outside, "sh", "-ec", "ip address add 192.168.43.1/24 dev cable0")
        table = workstation.call(NetworkTable)
        try:
            hospital.run(hospital.workstation, *shell)
            workstation.call(table.refresh)
            [index] = {link.index for link in table.state.links if link.name == "second0"}
            before = workstation.call(table.egress, index, "203.0.113.9")
            assert (before.gateway, before.gateway_mac) == ("192.168.43.1", "")

            hospital.run(hospital.workstation, "ping", "-c", "1", "-W", "2", "192.168.43.1")

            def known():
                table.refresh()
                return table.as_known_now(before, "203.0.113.9").gateway_mac

            mac = until(lambda: workstation.call(known), told="the gateway's MAC")
            assert mac.count(":") == 5
            assert workstation.call(table.as_known_now, before, "203.0.113.9").gateway_mac == mac
        finally:
            table.close()
            workstation.close()
