"""Which flows go outside: decided from the network and the plan, with nobody asked."""

from ipaddress import ip_address

import msgspec
import pytest

from agent.flows import Sighting
from agent.name_cache import NameCache
from agent.quiet import Key
from agent.sensors.admission import Admission
from agent.system.dissect import HERE as HERE_BY_HAND
from agent.system.dissect import LLC, NEIGHBOUR, TCP, Packet, Signal
from agent.system.dns_message import Answer
from agent.system.network_table import NetworkTable
from agent.system.packets import Frame
from checks.facts.base import UnknownProcess
from checks.facts.connections import NamedBy
from checks.facts.network import Address, Link, NetworkState, Route
from checks.plan import AddressPlan
from tests.samples import (
    AT_HOME,
    BY_GATEWAY,
    BY_TELEPHONE,
    CURL,
    HOME_ROUTES,
    INTRANET,
    POLICY,
    TETHER,
    TETHERED,
)

HERE, OVER_TELEPHONE = "10.20.3.4", "192.168.42.20"
OUTSIDE, INSIDE, APPROVED = "203.0.113.80", "10.20.9.9", "203.0.113.7"
WIRED, TELEPHONE = INTRANET.index, TETHER.index


class Unrouted:
    """A kernel that knows no way beyond the table."""

    def route_to(self, address: str, index: int) -> None:
        return None


class Standing(NetworkTable):
    """The table as it is for this state, without a kernel behind it."""

    def __init__(self, state: NetworkState, *, enslaved: frozenset[int] = frozenset()) -> None:
        self.state = state
        self._links = {link.index: link for link in state.links}
        self._egresses = {}
        self._tables = Unrouted()
        self.own_addresses = frozenset(a.address for link in state.links for a in link.addresses)
        self.broadcasts = frozenset(("10.20.255.255",))
        self.enslaved = enslaved


class Curl:
    """Every flow is curl's, whichever way it began; notes what it was asked."""

    def __init__(self) -> None:
        self.asked = []

    def began(self, protocol, local, remote, *, now):
        self.asked.append(("out", protocol, local, remote))
        return CURL

    def accepted(self, protocol, local, remote, *, now):
        self.asked.append(("in", protocol, local, remote))
        return CURL


def made(state: NetworkState = AT_HOME, *, plan: AddressPlan = POLICY.plan, **table) -> Admission:
    admission = Admission(Standing(state, **table), Curl(), NameCache())
    admission.learn(plan)
    return admission


def key(remote: str, local: str = HERE, protocol: int = TCP) -> Key:
    return Key(protocol, ip_address(local).packed, 40000, ip_address(remote).packed, 443)


def seen(link: int = WIRED, *, outgoing: bool = True) -> Sighting:
    return Sighting(link=link, outgoing=outgoing, at_us=1, now=1.0)


def test_a_flow_to_the_outside_is_told_with_its_way_and_its_process():
    origin = made().admit(key(OUTSIDE), "out", seen())

    way = msgspec.structs.replace(BY_GATEWAY, source_mac=INTRANET.mac)
    assert (origin.egress, origin.process, origin.name.name) == (way, CURL, "")


def test_what_the_plan_holds_inside_over_this_way_is_no_fact():
    assert made().admit(key(INSIDE), "out", seen()) is None


def test_the_same_address_over_a_telephone_is_one():
    admission = made(TETHERED)

    origin = admission.admit(key(INSIDE, OVER_TELEPHONE), "out", seen(TELEPHONE))

    assert origin.egress == msgspec.structs.replace(BY_TELEPHONE, source_mac=TETHER.mac)


@pytest.mark.parametrize("remote", ["127.0.0.1", "169.254.1.1", "224.0.0.251", "10.20.255.255"])
def test_what_never_leaves_the_segment_is_no_fact(remote):
    assert made().admit(key(remote), "out", seen()) is None


def test_link_local_over_a_telephone_beside_the_intranet_is_one():
    admission = made(TETHERED)

    assert admission.admit(key("169.254.1.1", OVER_TELEPHONE), "out", seen(TELEPHONE)) is not None
    assert admission.admit(key("169.254.1.1"), "out", seen(WIRED)) is None


def test_who_is_asked_is_whoever_began_or_whoever_accepted():
    admission = made()

    admission.admit(key(OUTSIDE), "out", seen())
    admission.admit(key(OUTSIDE), "in", seen(outgoing=False))

    here, there = (ip_address(HERE).packed, 40000), (ip_address(OUTSIDE).packed, 443)
    assert admission._attribution.asked == [("out", TCP, here, there), ("in", TCP, here, there)]


def test_what_is_sent_for_others_is_told_once_where_it_leaves_and_its_link_is_noted():
    admission = made()
    others = key(OUTSIDE, "172.16.0.9")

    coming = admission.admit(others, "in", seen(outgoing=False))
    leaving = admission.admit(others, "out", seen())

    assert coming is None
    assert leaving.process == UnknownProcess(why="forwarded")
    assert admission.relayed == {WIRED}


def test_frames_that_are_no_ip_are_nobody_else_s():
    hand = Key(LLC, HERE_BY_HAND, 0, NEIGHBOUR, 0)
    admission = made(TETHERED)

    origin = admission.admit(hand, "out", seen(TELEPHONE))

    assert (origin.process, admission.relayed) == (CURL, set())


def test_an_outside_address_has_the_name_it_was_called_by():
    admission = made()
    by = NamedBy(server=INSIDE, egress=BY_GATEWAY)
    answer = Answer(name="example.org", address=OUTSIDE, ttl=60)
    admission._names.learn([answer], by, 0.5, hospitals=True)

    origin = admission.admit(key(OUTSIDE), "out", seen())

    assert (origin.name.name, origin.name.by) == ("example.org", by)


BOND = msgspec.structs.replace(INTRANET, index=9, name="bond0", driver="bond")
PORT = Link(index=10, name="eno2", kind="wired", master="bond0")
BRIDGE = msgspec.structs.replace(BOND, name="br0", driver="bridge")
PORT_OF_BRIDGE = msgspec.structs.replace(PORT, master="br0")
LONE = Link(index=11, name="v0", kind="wired", master="ovs-system")


def frame(link: int, *, outgoing: bool = True) -> Frame:
    return Frame(at_us=1, link=link, outgoing=outgoing, ethertype=0x0800, octets=b"")


def packet(source: str, destination: str) -> Packet:
    return Packet(
        TCP, ip_address(source).packed, 1, ip_address(destination).packed, 2, Signal.DATAGRAM
    )


def test_a_frame_over_a_port_of_a_bond_counts_as_the_bond_s():
    state = NetworkState(links=(BOND, PORT), routes=())
    admission = made(state, enslaved=frozenset((PORT.index,)))

    assert admission.counted_link(packet(HERE, OUTSIDE), frame(PORT.index)) == BOND.index
    assert admission.counted_link(packet(HERE, OUTSIDE), frame(BOND.index)) == BOND.index


def test_what_a_bridge_hands_on_for_others_counts_nowhere():
    state = NetworkState(links=(BRIDGE, PORT_OF_BRIDGE), routes=())
    admission = made(state, enslaved=frozenset((PORT_OF_BRIDGE.index,)))
    port = PORT_OF_BRIDGE.index

    assert admission.counted_link(packet(HERE, OUTSIDE), frame(port)) == BRIDGE.index
    assert admission.counted_link(packet("10.20.7.7", OUTSIDE), frame(port)) == 0
    assert admission.counted_link(packet(OUTSIDE, HERE), frame(port, outgoing=False)) == 9


def test_a_port_of_a_switch_that_nobody_here_knows_counts_nowhere():
    state = NetworkState(links=(INTRANET, LONE), routes=HOME_ROUTES)
    admission = made(state, enslaved=frozenset((LONE.index,)))

    assert admission.counted_link(packet(HERE, OUTSIDE), frame(LONE.index)) == 0


def test_a_frame_of_a_link_that_rides_on_another_goes_the_way_of_the_one_with_the_address():
    upper = Link(
        index=12,
        name="mac0",
        kind="wired",
        driver="macvlan",
        lower="eno1",
        up=True,
        addresses=(Address(address="198.51.100.7", prefix_length=24),),
    )
    over = Route(destination="0.0.0.0/0", interface="mac0", gateway="198.51.100.1")
    state = NetworkState(links=(INTRANET, upper), routes=(*HOME_ROUTES, over))

    origin = made(state).admit(key(OUTSIDE, "198.51.100.7"), "out", seen(WIRED))

    assert origin.egress.interface == "mac0"


def test_a_connection_is_of_the_link_with_its_own_address():
    admission = made(TETHERED)

    assert admission.link_to(OUTSIDE, OVER_TELEPHONE) == TELEPHONE
    assert admission.link_to(HERE, OVER_TELEPHONE) is None
    assert admission.link_to("127.0.0.1", HERE) is None
    assert admission.link_to(OUTSIDE, "198.51.100.1") is None
