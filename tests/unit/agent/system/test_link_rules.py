"""Whose frames are shown where."""

from agent.system.link_rules import parts
from checks.facts.network import Link, NetworkState


def link(index: int, name: str, **further: str) -> Link:
    return Link(index=index, name=name, **({"kind": "wired"} | further))


def found(*links: Link) -> dict[int, int]:
    return dict(parts(NetworkState(links=links, routes=())))


def test_ports_of_a_bond_count_as_the_bond():
    bond = link(9, "bond0", driver="bond")

    assert found(bond, link(2, "eth0", master="bond0"), link(3, "eth1", master="bond0")) == {
        2: 9,
        3: 9,
    }


def test_a_bond_in_a_bridge_counts_as_the_bridge_with_all_its_ports():
    bridge = link(10, "br0", driver="bridge")
    bond = link(9, "bond0", driver="bond", master="br0")

    assert found(bridge, bond, link(2, "eth0", master="bond0")) == {9: 10, 2: 10}


def test_ports_of_what_ends_inside_and_of_open_vswitch_are_none():
    docker = link(9, "docker0", kind="bridge", driver="bridge")
    switch = link(10, "ovs-system", driver="openvswitch")

    assert (
        found(docker, switch, link(2, "v0", master="docker0"), link(3, "e", master="ovs-system"))
        == {}
    )


def test_masters_in_a_circle_or_that_left_do_not_matter():
    one, other = link(2, "a", driver="bond", master="b"), link(3, "b", driver="bond", master="a")

    assert found(one, other, link(4, "c", master="gone")) == {2: 3, 3: 2}
