"""Which USB devices can lead outside."""

import pytest

from agent.system.usbtree import read_usb_device, uplink_kind, usb_devices
from tests.contract.agent.system.sysfs_trees import plant, usb_device, usb_link

DEVICES = [
    ("modem that speaks AT", "1bc7:0021", (("020201", "cdc_acm"), ("0a0000", "cdc_acm")), "modem"),
    ("modem with two AT ports, unknown maker", "4c4c:0001", (("020201", ""), ("020201", "")), "modem"),
    ("modem by its driver", "4c4c:0002", (("ff0000", "option"),), "modem"),
    ("MBIM before its driver", "4c4c:0003", (("020e00", ""),), "modem"),
    ("telephone offering RNDIS", "04e8:6863", (("e00103", ""), ("0a0000", "")), "usb_tether"),
    ("telephone offering NCM", "18d1:4eeb", (("020d00", ""), ("0a0001", "")), "usb_tether"),
    ("iPhone offering its link", "05ac:12a8", (("060101", ""), ("fffd01", "")), "usb_tether"),
    ("modem whose driver is missing", "2c7c:0125", (("ff0000", ""), ("ffffff", "")), "modem"),
    ("modem on the generic serial driver", "12d1:1003", (("ffffff", "usbserial_generic"),), "modem"),
    ("modem that still shows its disc", "12d1:1f01", (("080650", "usb-storage"),), "modem"),
    ("QMI before its driver", "1199:9091", (("ffffff", ""),), "modem"),
    ("telephone of a modem's maker, charging", "12d1:107e", (("ffff00", ""), ("ff4201", "")), None),
    ("stick of a modem's maker", "19d2:0001", (("080650", "usb-storage"),), None),
    ("FTDI cable", "0403:6001", (("ffffff", "ftdi_sio"),), None),
    ("bar-code scanner on one AT port", "0c2e:0b61", (("020201", "cdc_acm"), ("0a0000", "")), None),
    ("telephone only charging", "18d1:4ee1", (("060101", ""),), None),
    ("stick", "0951:1666", (("080650", "usb-storage"),), None),
    ("network card as CDC", "0bda:8153", (("020600", ""), ("0a0000", "")), None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("identity", "interfaces", "kind"), [d[1:] for d in DEVICES], ids=[d[0] for d in DEVICES]
)
def test_a_device_that_can_lead_outside_is_told(tmp_path, identity, interfaces, kind):
    usb_device(tmp_path, "1-2", identity, *interfaces)

    (device,) = usb_devices(tmp_path)

    assert uplink_kind(device) == kind


def test_a_device_names_what_it_has_brought(tmp_path):
    usb_device(tmp_path, "1-2", "1bc7:0021", ("020201", "cdc_acm"), ("e00103", "rndis_host"))
    usb_link(tmp_path, "enx1", 4, port="1-2", interface=1)
    plant(tmp_path, {"devices/pci0/usb1/1-2/1-2:1.0/tty/ttyACM0/dev": "166:0"}, {})

    device = read_usb_device(tmp_path / "bus/usb/devices/1-2")

    assert device.networks == ("enx1",)
    assert device.serial_ports == ("ttyACM0",)


def test_a_device_that_left_meanwhile_reads_as_empty(tmp_path):
    device = read_usb_device(tmp_path / "bus/usb/devices/1-9")

    assert (device.identity, device.interfaces, uplink_kind(device)) == ("", (), None)


def test_a_device_that_is_leaving_is_none_any_more(tmp_path):
    """Seen in the lab: its interfaces and words were read still, its ids were gone."""
    usb_device(tmp_path, "1-2", "04e8:6863", ("e00103", "rndis_host"))
    (tmp_path / "bus/usb/devices/1-2/idVendor").unlink()

    assert list(usb_devices(tmp_path)) == []
