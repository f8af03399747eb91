"""One suite for both sources of devices: udev (before umockdev's testbed) and recorded.

udev runs in a process of its own, because umockdev works by preloading.
"""

import os
import select
import subprocess
import sys
import time

import msgspec
import pytest

from agent.media.devices import Ancestor, Device, DeviceChange
from tests.recorded_udev import STICK, RecordedUdev, UsbStick
from tests.udev_recordings import RecordedDevices

NODE, NUMBER, SIZE = "/dev/loop9", os.makedev(7, 9), 1 << 24
PATIENCE = 10.0
READER = """
import select, sys, msgspec
from agent.system.udev import UdevDevices
source = UdevDevices(udevd=True)
descriptor = source.open()
def tell(what): print(msgspec.json.encode(what).decode(), flush=True)
tell(list(source.present()))
while True:
    ready, _, _ = select.select([descriptor, 0], [], [])
    if 0 in ready and not sys.stdin.readline(): break
    for change in source.changes(): tell(change)
source.close()
source.close()
"""


class BehindUmockdev:
    """UdevDevices in another process, its answers decoded."""

    def __init__(self):
        self.udev = RecordedUdev()

    def start(self):
        self._reader = subprocess.Popen(
            [sys.executable, "-c", READER],
            env={**os.environ, **self.udev.environment(), "PYTHONPATH": "."},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        return msgspec.json.decode(self._reader.stdout.readline(), type=list[Device])

    def plug(self, stick):
        self.udev.plug(stick, node=NODE, number=NUMBER, size=SIZE)

    def unplug(self, stick):
        self.udev.unplug(stick, node=NODE)

    def until(self, action, node=NODE):
        while True:
            ready, _, _ = select.select([self._reader.stdout], [], [], PATIENCE)
            assert ready, f"no {action} of {node}"
            change = msgspec.json.decode(self._reader.stdout.readline(), type=DeviceChange)
            if (change.action, change.device.node) == (action, node):
                return change.device

    def close(self):
        self._reader.stdin.close()
        self._reader.wait(10)
        self._reader.stdout.close()
        self.udev.close()


class Recorded:
    def __init__(self):
        self.source = RecordedDevices()

    def start(self):
        self._descriptor = self.source.open()
        return list(self.source.present())

    def plug(self, stick):
        usb, block = devices_of(stick)
        self.source.happens("add", usb)
        self.source.happens("add", block)

    def unplug(self, stick):
        usb, block = devices_of(stick)
        self.source.happens("remove", block)
        self.source.happens("remove", usb)

    def until(self, action, node=NODE):
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            select.select([self._descriptor], [], [], PATIENCE)
            for change in self.source.changes():
                if (change.action, change.device.node) == (action, node):
                    return change.device
        raise AssertionError(f"no {action} of {node}")

    def close(self):
        self.source.close()
        self.source.close()


def devices_of(stick):
    """What udev would tell, put together by hand: what the other side is held to."""
    told = {
        "ID_VENDOR_ID": stick.vendor_id,
        "ID_MODEL_ID": stick.product_id,
        "ID_USB_INTERFACES": stick.interfaces,
        "ID_SERIAL_SHORT": stick.serial,
    }
    attributes = {
        "idVendor": stick.vendor_id,
        "idProduct": stick.product_id,
        "serial": stick.serial,
    }
    usb = Device(
        path=f"/sys{stick.usb_path()}",
        subsystem="usb",
        devtype="usb_device",
        properties=told,
        attributes=attributes,
    )
    above = Ancestor(subsystem="usb", devtype="usb_device", name=stick.port, attributes=attributes)
    block = Device(
        path=f"/sys{stick.block_path(NODE)}",
        subsystem="block",
        devtype="disk",
        node=NODE,
        number=NUMBER,
        properties={**told, "ID_FS_TYPE": stick.filesystem},
        attributes={"size": str(SIZE // 512), "removable": "1"},
        ancestors=(above,),
    )
    return usb, block


@pytest.fixture(params=[BehindUmockdev, Recorded])
def source(request):
    source = request.param()
    yield source
    source.close()


def test_nothing_is_there_before_it_is_plugged(source):
    assert source.start() == []


def test_a_plugged_stick_comes_with_its_number_properties_and_usb_parent(source):
    source.start()
    source.plug(STICK)

    device = source.until("add")

    assert (device.subsystem, device.devtype, device.number) == ("block", "disk", NUMBER)
    assert device.path.endswith("/block/loop9")
    assert device.attributes["size"] == str(SIZE // 512)
    assert device.properties["ID_FS_TYPE"] == "ext4"
    assert device.properties["ID_USB_INTERFACES"] == ":080650:"
    usb = device.above("usb", "usb_device")
    assert usb is not None
    assert usb.attributes["idVendor"] == "0951"
    assert usb.attributes["serial"] == STICK.serial


def test_what_was_plugged_before_is_present_at_the_start(source):
    source.plug(UsbStick(serial="COLD"))

    present = source.start()

    assert [device.subsystem for device in present] == ["block", "usb"] or [
        device.subsystem for device in present
    ] == ["usb", "block"]
    assert {device.properties["ID_SERIAL_SHORT"] for device in present} == {"COLD"}


def test_a_stick_that_is_pulled_is_removed(source):
    source.start()
    source.plug(STICK)
    source.until("add")

    source.unplug(STICK)

    assert source.until("remove").path.endswith("/block/loop9")
