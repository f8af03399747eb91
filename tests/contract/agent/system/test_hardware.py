"""The reader of hardware against planted sysfs trees, and against this machine."""

from pathlib import Path

import pytest

from agent.system.hardware import Hardware, running_disks
from checks.facts.hardware import FixedDisk
from tests.contract.agent.system.sysfs_trees import plant

DMI = {
    "board_vendor": "ASUSTeK",
    "board_name": "PRIME B360M-A",
    "board_serial": "180936",
    "chassis_vendor": "Default string",
    "chassis_type": "3",
    "chassis_serial": "To Be Filled By O.E.M.",
    "sys_vendor": "Maker",
    "product_name": "System Product Name",
    "product_serial": "SN 77",
    "product_uuid": "4c4c4544-0042",
}
PCI = "devices/pci0000:00/0000:00:17.0"


@pytest.fixture
def sysfs(tmp_path):
    plant(tmp_path, {f"class/dmi/id/{name}": text for name, text in DMI.items()}, {})
    (tmp_path / "block").mkdir()
    return tmp_path


def disk(root, name, where, *, size=1000, **attributes):
    files = {f"{where}/{name}/{key.replace('__', '/')}": text for key, text in attributes.items()}
    files[f"{where}/{name}/size"] = str(size)
    plant(root, files, {f"block/{name}": f"{where}/{name}"})


def look(root, system_disks=frozenset()):
    return Hardware(root, root / "proc").look(system_disks)


def test_board_chassis_and_system_are_told_without_what_makers_left_unfilled(sysfs):
    state = look(sysfs)

    assert state.board == "ASUSTeK PRIME B360M-A 180936"
    assert state.chassis == "3"
    assert state.system == "Maker SN 77 4c4c4544-0042"


def test_a_machine_without_such_firmware_tells_nothing(tmp_path):
    state = look(tmp_path)

    assert (state.board, state.system, state.memory, state.disks) == ("", "", 0, ())


def test_memory_is_counted_in_blocks_whatever_the_kernel_keeps_for_itself(sysfs):
    folder = "devices/system/memory"
    blocks = {f"{folder}/memory{n}/online": "1" for n in range(64)}
    plant(sysfs, {f"{folder}/block_size_bytes": "8000000", **blocks}, {})
    plant(sysfs, {"proc/meminfo": "MemTotal:  7900000 kB"}, {})

    state = look(sysfs)

    assert (state.memory, state.memory_by) == (8 << 30, "blocks")


def test_without_blocks_what_is_usable_counts(sysfs):
    plant(sysfs, {"proc/meminfo": "MemTotal:        7900000 kB\nMemFree: 1 kB"}, {})

    state = look(sysfs)

    assert (state.memory, state.memory_by) == (7_900_000 * 1024, "usable")


def test_fixed_disks_have_model_serial_and_size(sysfs):
    disk(sysfs, "sda", f"{PCI}/ata1/host0/block", device__vendor="ATA", device__model="WDC 5000")
    (sysfs / PCI / "ata1/host0/block/sda/device/vpd_pg80").write_bytes(b"\0\x80\0\x05  WX1")
    disk(sysfs, "nvme0n1", f"{PCI}/nvme/nvme0", device__model="PM981", device__serial="S4EV ")
    disk(
        sysfs,
        "mmcblk0",
        f"{PCI}/mmc0",
        device__type="MMC",
        device__name="DA4",
        device__serial="0x1",
    )
    disk(sysfs, "vda", f"{PCI}/virtio1/block", serial="disk-1")

    state = look(sysfs)

    assert set(state.disks) == {
        FixedDisk(model="WDC 5000", serial="WX1", size=512_000),
        FixedDisk(model="PM981", serial="S4EV", size=512_000),
        FixedDisk(model="DA4", serial="0x1", size=512_000),
        FixedDisk(serial="disk-1", size=512_000),
    }


def test_what_comes_and_goes_is_no_hardware(sysfs):
    disk(sysfs, "sdb", f"{PCI}/usb1/1-2/host1/block", removable="0")
    disk(sysfs, "sdc", f"{PCI}/ata2/host2/block", removable="1")
    disk(sysfs, "sdd", f"{PCI}/host3/rport-3:0-1/block")
    disk(sysfs, "sde", f"{PCI}/host4/session1/block")
    disk(sysfs, "mmcblk1", f"{PCI}/mmc1", device__type="SD")
    disk(sysfs, "loop0", "devices/virtual/block")
    disk(sysfs, "dm-0", "devices/virtual/block")
    disk(sysfs, "nvme9n1", "devices/virtual/nvme-fabrics/ctl/nvme9")
    disk(sysfs, "sdf", f"{PCI}/ata3/host5/block", size=0)
    disk(sysfs, "nvme1n1", "devices/pci0000:00/0000:05:00.0/nvme/nvme1")
    plant(sysfs, {"devices/pci0000:00/0000:05:00.0/removable": "removable"}, {})

    assert look(sysfs).disks == ()


def test_a_disk_with_two_ports_is_fixed_when_its_controllers_are_here(sysfs):
    subsystem = "devices/virtual/nvme-subsystem/nvme-subsys0"
    disk(sysfs, "nvme0n1", subsystem, device__serial="S1")
    plant(sysfs, {f"{subsystem}/nvme0/transport": "pcie"}, {})

    assert [each.serial for each in look(sysfs).disks] == ["S1"]


def test_what_the_system_runs_from_is_fixed_whatever_the_port_says(sysfs):
    disk(sysfs, "sda", f"{PCI}/ata2/host2/block", removable="1", dev="8:0", serial="X")

    assert [d.serial for d in look(sysfs, frozenset({0x800})).disks] == ["X"]


def test_this_machine_has_memory_and_tells_the_same_twice():
    hardware = Hardware()

    first, second = hardware.look(running_disks()), hardware.look(running_disks())

    assert first == second
    total_kb = int(Path("/proc/meminfo").read_text("ascii").split()[1])
    assert first.memory >= total_kb * 1024
