"""What a link leads out through, from rows as the kernel gives them."""

from agent.system.links import LinkReader
from agent.system.netlink import LinkRow
from tests.contract.agent.system.sysfs_trees import hardware_link, plant, usb_device, usb_link

ETHERNET, PPP, UP = 1, 512, 0x10001


def row(index, name, rtnl_kind="", **fields):
    whole = {"arphrd": ETHERNET, "flags": UP, "mac": "", "lower": 0, "master": 0, **fields}
    return LinkRow(index=index, name=name, rtnl_kind=rtnl_kind, **whole)


def kinds(folder, *rows):
    links = LinkReader(folder / "sys", folder / "proc").links(rows, ())
    return {link.name: link.kind for link in links}


def card(folder, name="eno1", index=2):
    hardware_link(folder / "sys", name, index, bus="pci", device=f"pci/{name}", driver="e1000e")
    return row(index, name)


def test_a_bond_of_two_cards_is_wired_and_its_ports_name_it(tmp_path):
    cards = (card(tmp_path), card(tmp_path, "eno2", 3))
    ports = tuple(row(each.index, each.name, master=9) for each in cards)

    links = LinkReader(tmp_path / "sys", tmp_path / "proc").links(
        (*ports, row(9, "bond0", "bond")), ()
    )

    assert [(link.name, link.kind, link.master) for link in links] == [
        ("eno1", "wired", "bond0"),
        ("eno2", "wired", "bond0"),
        ("bond0", "wired", ""),
    ]


def test_a_vlan_of_a_bond_is_what_the_bond_is(tmp_path):
    card(tmp_path)
    rows = (
        row(2, "eno1", master=9),
        row(9, "bond0", "bond"),
        row(10, "bond0.7", "vlan", lower=9, vlan=7),
    )

    links = LinkReader(tmp_path / "sys", tmp_path / "proc").links(rows, ())

    assert (links[2].kind, links[2].vlan, links[2].lower) == ("wired", 7, "bond0")


def test_a_bridge_is_what_its_hardware_port_is_whatever_else_is_in_it(tmp_path):
    card(tmp_path)

    assert kinds(
        tmp_path,
        row(2, "eno1", master=9),
        row(5, "vnet0", "tun", master=9),
        row(9, "br0", "bridge"),
    ) == {"eno1": "wired", "vnet0": "tunnel", "br0": "wired"}


def test_a_bridge_of_guests_stays_a_bridge(tmp_path):
    assert kinds(tmp_path, row(5, "veth1", "veth", master=9), row(9, "docker0", "bridge")) == {
        "veth1": "virtual",
        "docker0": "bridge",
    }


def test_a_telephone_bridged_to_the_card_does_not_hide_behind_it(tmp_path):
    card(tmp_path)
    usb_device(tmp_path / "sys", "1-2", "04e8:6863", ("e00103", "rndis_host"))
    usb_link(tmp_path / "sys", "usb0", 4, port="1-2", interface=0)
    found = kinds(
        tmp_path, row(2, "eno1", master=9), row(4, "usb0", master=9), row(9, "br0", "bridge")
    )

    assert found == {"eno1": "wired", "usb0": "usb_tether", "br0": "wired"}


def test_links_that_ride_in_a_circle_are_borne(tmp_path):
    assert kinds(tmp_path, row(2, "a", "vlan", lower=3), row(3, "b", "vlan", lower=2)) == {
        "a": "virtual",
        "b": "virtual",
    }


def test_the_host_only_network_of_vmware_has_no_driver_of_the_kernel_s(tmp_path):
    plant(
        tmp_path / "sys",
        {"devices/virtual/net/vmnet8/ifindex": "7"},
        {"class/net/vmnet8": "devices/virtual/net/vmnet8"},
    )
    (link,) = LinkReader(tmp_path / "sys", tmp_path / "proc").links((row(7, "vmnet8"),), ())

    assert (link.kind, link.driver) == ("virtual", "")


SESSION = "Id       Address              Device\n00000001 02:00:00:00:00:01     eth0\n"


def test_as_many_pppoe_sessions_as_ppp_links_are_pppoe(tmp_path):
    plant(tmp_path, {"proc/net/pppoe": SESSION}, {})

    assert kinds(tmp_path, row(8, "ppp0", "ppp", arphrd=PPP)) == {"ppp0": "pppoe"}


def test_one_session_and_two_ppp_links_leave_the_doubt_of_a_modem(tmp_path):
    plant(tmp_path, {"proc/net/pppoe": SESSION}, {})

    assert kinds(
        tmp_path, row(8, "ppp0", "ppp", arphrd=PPP), row(9, "ppp1", "ppp", arphrd=PPP)
    ) == {"ppp0": "ppp", "ppp1": "ppp"}
