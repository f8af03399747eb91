"""Volumes on a medium (LUKS, LVM, RAID): each is a mount of its own on the medium below."""

import os
import subprocess

import pytest

from agent.media.devices import Ancestor
from agent.media.inventory import Inventory
from agent.sensors.mounting import Mounting
from agent.system.mounts import Mount, ProcMountTable
from tests.loopdev import make_loop
from tests.udev_recordings import RecordedDevices, disk

USB = Ancestor(subsystem="usb", devtype="usb_device", name="2-1")
STICK = os.makedev(8, 16)
ROOT_VOLUME, FIRST, SECOND = (os.makedev(253, minor) for minor in range(3))
SLAVES = {FIRST: {FIRST, STICK}, SECOND: {SECOND, FIRST, STICK}}


def row(number, point, **fields):
    return Mount(
        id=number, device=number, root="/", point=point, filesystem="ext4", source="x", **fields
    )


def mounting_of(device, below):
    devices = RecordedDevices([device])
    inventory = Inventory()
    inventory.replace(devices.present())
    return Mounting(inventory, devices, below)


def test_two_volumes_on_one_stick_are_two_file_systems_to_watch_and_scan():
    mounting = mounting_of(
        disk("sdb", USB, number=STICK, ID_FS_TYPE="LVM2_member", ID_SERIAL_SHORT="S1"),
        lambda number: SLAVES.get(number, {number}),
    )

    change = mounting.update([row(FIRST, "/mnt/a"), row(SECOND, "/mnt/b"), row(ROOT_VOLUME, "/")])

    assert [watched.where.number for _, watched in change.first] == [FIRST, SECOND]
    assert [fact.medium.serial for _, fact in change.mounted] == ["S1", "S1"]


def test_a_volume_that_is_closed_releases_only_itself():
    mounting = mounting_of(
        disk("sdb", USB, number=STICK, ID_SERIAL_SHORT="S1"),
        lambda number: SLAVES.get(number, {number}),
    )
    rows = [row(FIRST, "/mnt/a"), row(SECOND, "/mnt/b")]
    mounting.update(rows)

    change = mounting.update(rows[1:])

    assert change.released == [FIRST]
    assert [fact.mount_point for fact in change.unmounted] == ["/mnt/a"]


def test_a_mapped_volume_of_the_real_kernel_is_led_back_to_its_stick(tmp_path):
    if subprocess.run(["dmsetup", "version"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel has no device mapper (CONFIG_BLK_DEV_DM)")
    loop = make_loop(tmp_path, "mapped")
    name = f"wardwatch-test-{os.getpid()}"
    table = f"0 {loop.size // 512} linear {loop.node} 0"
    point = tmp_path / "mnt"
    point.mkdir()
    try:
        subprocess.run(["dmsetup", "create", name, "--table", table], check=True)
        subprocess.run(["mount", f"/dev/mapper/{name}", point], check=True)
        devices = RecordedDevices([disk(loop.node[5:], USB, number=loop.number)])
        mounting = Mounting(Inventory(), devices)
        mounts = ProcMountTable()
        mounts.open()

        change = mounting.update(mounts.mounts())
        mounts.close()

        assert [fact.mount_point for _, fact in change.mounted] == [str(point)]
    finally:
        subprocess.run(["umount", point], check=False)
        subprocess.run(["dmsetup", "remove", "--retry", name], check=False)
        loop.release()
