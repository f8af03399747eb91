"""All recorded devices before libudev itself: the values that unit tests use are what it tells."""

import os
import subprocess
import sys

import msgspec

from agent.media.devices import Device
from agent.media.inventory import Inventory
from tests.recorded_devices import devices_in, names, recording
from tests.recorded_udev import RecordedUdev

READER = """
import msgspec, sys
from agent.system.udev import UdevDevices
source = UdevDevices(udevd=True)
source.open()
sys.stdout.buffer.write(msgspec.json.encode(list(source.present())))
source.close()
"""


def told_by_libudev(udev):
    told = subprocess.run(
        [sys.executable, "-c", READER],
        env={**os.environ, **udev.environment(), "PYTHONPATH": "."},
        check=True,
        capture_output=True,
    )
    return msgspec.json.decode(told.stdout, type=list[Device])


def media_by_path(devices):
    inventory = Inventory()
    inventory.replace(devices)
    return inventory.media()


def test_libudev_tells_of_every_recording_what_its_values_say():
    expected = [device for name in names() for device in devices_in(recording(name))]
    with RecordedUdev() as udev:
        udev.load([recording(name) for name in names()])
        told = told_by_libudev(udev)

    assert len(expected) > 150
    assert sorted(d.path for d in told) == sorted(d.path for d in expected)
    assert media_by_path(told) == media_by_path(expected)
