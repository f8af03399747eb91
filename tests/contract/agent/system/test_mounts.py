"""What lies below the running system, in a recorded sysfs."""

import os

from agent.system.mounts import parse_mountinfo, system_disks

ROOT = b"27 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro\n"
STICK = b"99 27 8:33 / /media/alice/STICK rw,nosuid shared:7 - vfat /dev/sdc1 rw,uid=1000\n"


def test_the_disk_below_the_running_system_is_found_through_its_slaves(tmp_path):
    mapped = tmp_path / "8:2" / "slaves" / "sdx1"
    mapped.mkdir(parents=True)
    (mapped / "dev").write_text("8:81\n")

    found = system_disks(list(parse_mountinfo(ROOT + STICK)), tmp_path)

    assert found == {os.makedev(8, 2), os.makedev(8, 81)}
