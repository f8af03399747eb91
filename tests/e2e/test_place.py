"""Where a machine stands, through the real agent and collector: at home behind the hospital's own
addresses, with another address on the intranet, behind another gateway, with containers.
"""

import pytest

from agent.sensors.place import MEMORY
from tests import netns
from tests.recall import acts
from tests.recall.guests import guest, guest_address
from tests.support.live import WITHOUT_OTHERS, Place, running, until
from tests.support.peers import echo_servers

pytestmark = pytest.mark.skipif(bool(netns.missing()), reason=netns.missing() or "can run")

MOVED_TO = "10.77.1.50"
OTHER_MAC = "02:00:00:00:77:77"


"""The agent sees every process of this machine, those of other tests, too."""


class Ward:
    def __init__(self, hospital, collector, agent, workstation):
        self.memory = agent.folder / "state" / MEMORY
        self.agent = agent
        self.hospital = hospital
        self.collector = collector
        self.workstation = workstation

    def shell(self, script, *, where=""):
        self.hospital.run(where or self.hospital.workstation, "sh", "-ec", script)

    def journalled(self, word):
        """Whether this was put into the spool, where it stands as text before it is sealed."""
        files = (self.agent.folder / "state").glob("spool.db*")  # the agent alone may open it
        return any(word.encode() in file.read_bytes() for file in files)

    def rules(self):
        return set(self.collector.rules())

    def gateways(self):
        answer = self.collector.get("/api/v1/observations", kind="intranet_witness").json()
        return [gateway for seen in answer["observations"] for gateway in seen["fact"]["gateways"]]


@pytest.fixture
def ward(tmp_path):
    with netns.hospital() as hospital:
        inside, outside = Place(hospital.router), Place(hospital.outside)
        workstation = Place(hospital.workstation)
        with (
            echo_servers(outside, inside),
            running(
                tmp_path,
                policy=netns.POLICY + WITHOUT_OTHERS,
                host=netns.SERVER,
                collector_place=inside,
                agent_place=workstation,
            ) as (collector, agent),
        ):
            agent.watching("network", "connections", "place")
            yield Ward(hospital, collector, agent, workstation)
        for place in (inside, outside, workstation):
            place.close()


def test_a_home_with_the_hospitals_own_addresses_is_away(ward):
    until(ward.gateways, told="a witness of the intranet")

    ward.shell("ip link set intranet0 down; ip -4 address flush dev intranet0")
    ward.hospital.plug_second_link()
    ward.shell(
        f"ip address flush dev cable0\nip address add {netns.GATEWAY}/24 dev cable0",
        where=ward.hospital.outside,
    )
    ward.shell(
        f"ip address flush dev second0\nip address add {netns.WORKSTATION}/24 dev second0\n"
        f"ip route add default via {netns.GATEWAY} dev second0"
    )
    until(lambda: ward.journalled("second0"), told="the agent has seen that it is elsewhere")
    ward.workstation.call(acts.tcp_reset, netns.OUTSIDE, 80)
    until(lambda: ward.journalled(netns.OUTSIDE), told="the connection is journalled")
    ward.hospital.unplug_second_link()
    ward.shell(
        f"ip link set intranet0 up\nip address add {netns.WORKSTATION}/24 dev intranet0\n"
        f"ip route add default via {netns.GATEWAY}"
    )

    ward.collector.case("EXT-02", seconds=90)
    assert not {"EXT-01", "EXT-06"} & ward.rules()


def test_another_address_and_then_another_gateway_are_a_case_each(ward):
    until(ward.memory.exists, told="the place is remembered")

    ward.shell(
        f"ip address add {MOVED_TO}/24 dev intranet0\n"
        f"ip address delete {netns.WORKSTATION}/24 dev intranet0\n"
        f"ip address show dev intranet0 | grep -q {MOVED_TO} || "
        f"ip address add {MOVED_TO}/24 dev intranet0\n"
        f"ip route replace default via {netns.GATEWAY}"
    )
    ward.collector.case("EXT-10", seconds=40)
    ward.shell(f"ip link set wards0 address {OTHER_MAC}", where=ward.hospital.router)
    ward.shell(f"ip neighbour flush dev intranet0; ping -c 1 -W 2 {netns.GATEWAY} || true")

    ward.collector.case("DEV-03", seconds=60)
    assert ward.rules() == {"DEV-03", "EXT-10"}


def test_what_a_container_reaches_is_one_leak_and_its_bridge_is_no_uplink(ward):
    ward.shell(
        "ip link add docker0 type bridge\nip address add 172.17.0.1/16 dev docker0\n"
        "ip link set docker0 up\necho 1 > /proc/sys/net/ipv4/ip_forward"
    )
    ward.shell(f"ip route add 172.17.0.0/16 via {netns.WORKSTATION}", where=ward.hospital.router)
    ward.shell("ip route add 172.17.0.0/16 via 198.51.100.1", where=ward.hospital.outside)

    with guest(ward.hospital, 1) as container:
        container.call(acts.tcp, netns.SERVER, 80)
        container.call(acts.tcp, netns.OUTSIDE, 80)

    case = ward.collector.case("EXT-06", seconds=30)
    assert guest_address(1) in str(case["evidence"])
    assert ward.rules() == {"EXT-06"}
