"""Kinds of links on recorded sysfs trees."""

import pytest

from agent.system.linkkind import Hardware, hardware
from tests.contract.agent.system.sysfs_trees import (
    hardware_link,
    plant,
    usb_device,
    usb_link,
    virtual_link,
)

ETHERNET, NONE, SLIP, PPP, LOOPBACK, IRDA = 1, 65534, 256, 512, 772, 783

USB = [
    ("phone with RNDIS", "04e8:6863", (("e00103", "rndis_host"), ("0a0000", "rndis_host")), "usb_tether"),
    ("telephone with NCM", "18d1:4eeb", (("020d00", "cdc_ncm"), ("0a0001", "cdc_ncm")), "usb_tether"),
    ("telephone with ECM", "18d1:4ee4", (("020600", "cdc_ether"), ("0a0000", "cdc_ether"), ("ff4201", "")), "usb_tether"),
    ("iPhone", "05ac:12a8", (("060101", ""), ("fffe02", ""), ("fffd01", "ipheth")), "usb_tether"),
    ("QMI modem", "2c7c:0125", (("ffffff", "option"), ("ffffff", "qmi_wwan")), "modem"),
    ("MBIM modem", "1199:9079", (("020e00", "cdc_mbim"), ("0a0002", "cdc_mbim")), "modem"),
    ("Realtek card, own driver", "0bda:8153", (("ff0000", "r8152"),), "usb_ethernet"),
    ("Realtek card as CDC", "0bda:8153", (("020600", "cdc_ether"), ("0a0000", "cdc_ether")), "usb_ethernet"),
    ("Realtek card as NCM", "0bda:8156", (("020d00", "cdc_ncm"), ("0a0001", "cdc_ncm")), "usb_ethernet"),
    ("unknown maker as CDC", "1d6b:0104", (("020600", "cdc_ether"), ("0a0000", "cdc_ether")), "usb_tether"),
    ("ASIX card", "0b95:1790", (("ffff00", "ax88179_178a"),), "usb_ethernet"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("identity", "interfaces", "kind"), [row[1:] for row in USB], ids=[row[0] for row in USB]
)
def test_a_usb_link_is_told_by_driver_classes_and_maker(tmp_path, identity, interfaces, kind):
    usb_device(tmp_path, "1-2", identity, *interfaces, serial="S1", words=("Maker", "Thing"))
    usb_link(tmp_path, "enx0", 9, port="1-2", interface=len(interfaces) - 1)

    found = hardware(tmp_path, name="enx0", index=9, arphrd=ETHERNET, rtnl_kind="")

    driver = interfaces[-1][1]
    assert found == Hardware(kind, driver, "usb", f"{identity}:S1", "Maker Thing")


@pytest.mark.parametrize(
    ("bus", "driver", "devtype", "kind"),
    [
        ("pci", "e1000e", "", "wired"),
        ("virtio", "virtio_net", "", "wired"),
        ("platform", "stmmac", "", "wired"),
        ("pci", "iwlwifi", "wlan", "wifi"),
        ("bluetooth", "", "bluetooth", "bluetooth"),
        ("mhi", "mhi_net", "", "modem"),
        ("usb", "rt2800usb", "wlan", "wifi"),
    ],
)
def test_a_link_with_hardware_is_told_by_bus_and_devtype(tmp_path, bus, driver, devtype, kind):
    hardware_link(tmp_path, "x0", 3, bus=bus, device="0000:00:03.0", driver=driver, devtype=devtype)

    found = hardware(tmp_path, name="x0", index=3, arphrd=ETHERNET, rtnl_kind="")

    assert (found.kind, found.driver, found.bus) == (kind, driver, bus)


def test_a_radio_is_wifi_even_without_devtype(tmp_path):
    folder = hardware_link(tmp_path, "x0", 3, bus="pci", device="0000:02:00.0", driver="wl")
    plant(folder, {"phy80211/name": "phy0"}, {})

    assert hardware(tmp_path, name="x0", index=3, arphrd=ETHERNET, rtnl_kind="").kind == "wifi"


@pytest.mark.parametrize(
    ("arphrd", "rtnl_kind", "kind"),
    [
        (LOOPBACK, "", "unknown"),  # lent to any tun by TUNSETLINK
        (PPP, "ppp", "ppp"),
        (SLIP, "", "ppp"),
        (IRDA, "", "infrared"),
        (NONE, "tun", "tunnel"),
        (NONE, "wireguard", "tunnel"),
        (ETHERNET, "vxlan", "tunnel"),
        (ETHERNET, "bridge", "bridge"),
        (ETHERNET, "veth", "virtual"),
        (ETHERNET, "vlan", "virtual"),
        (NONE, "wwan", "modem"),
        (ETHERNET, "", "unknown"),
    ],
)
def test_without_sysfs_only_rtnetlink_counts(tmp_path, arphrd, rtnl_kind, kind):
    found = hardware(tmp_path, name="eth0", index=2, arphrd=arphrd, rtnl_kind=rtnl_kind)

    assert found == Hardware(kind, driver=rtnl_kind)


def test_only_the_first_link_of_a_namespace_is_its_loopback(tmp_path):
    found = hardware(tmp_path, name="lo", index=1, arphrd=LOOPBACK, rtnl_kind="")

    assert found.kind == "loopback"


def test_the_link_of_the_same_name_in_another_namespace_is_not_taken_for_this_one(tmp_path):
    hardware_link(tmp_path, "eth0", 2, bus="pci", device="0000:00:03.0", driver="e1000e")

    found = hardware(tmp_path, name="eth0", index=7, arphrd=ETHERNET, rtnl_kind="")

    assert found == Hardware("unknown")


@pytest.mark.parametrize(
    ("child", "kind"), [("tun_flags", "tunnel"), ("bridge/stp_state", "bridge"), ("mtu", "virtual")]
)
def test_a_software_link_is_told_by_its_attributes(tmp_path, child, kind):
    folder = virtual_link(tmp_path, "x0", 5)
    plant(folder, {child: "0"}, {})

    assert hardware(tmp_path, name="x0", index=5, arphrd=ETHERNET, rtnl_kind="").kind == kind
