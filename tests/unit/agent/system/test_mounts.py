import os

import pytest

from agent.system.mounts import UnreadableTable, is_hearsay, mounted_for, parse_mountinfo

ACCOUNTS = {1000: "alice"}
ROOT = b"27 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro\n"
STICK = (
    b"99 27 8:33 / /media/alice/MY\\040STICK rw,nosuid shared:7 master:1 - vfat /dev/sdc1"
    b" rw,uid=1000,gid=1000\n"
)
NTFS = b"98 27 8:17 /sub /mnt ro - fuseblk /dev/sdb1 rw,user_id=0,group_id=0,blksize=4096\n"


def test_a_row_tells_device_place_and_who_it_is_for():
    (mount,) = parse_mountinfo(STICK)

    assert (mount.id, mount.device, mount.point) == (99, os.makedev(8, 33), "/media/alice/MY STICK")
    assert (mount.filesystem, mount.source, mount.read_only) == ("vfat", "/dev/sdc1", False)
    assert mounted_for(mount, ACCOUNTS) == "alice"


def test_a_bind_mount_shows_its_root_and_read_only_is_either_side():
    (mount,) = parse_mountinfo(NTFS)

    assert (mount.root, mount.read_only, mount.block_device) == ("/sub", True, os.makedev(8, 17))
    assert mounted_for(mount, ACCOUNTS) == ""


def test_a_mount_point_that_is_no_utf8_can_still_travel():
    (mount,) = parse_mountinfo(STICK.replace(b"MY\\040STICK", b"\xff\\012x"))

    assert os.fsencode(mount.point) == b"/media/alice/\xff\nx"
    assert mount.shown_point == "/media/alice/�\nx"


def test_a_mount_of_another_namespace_is_reached_through_its_root():
    (mount,) = parse_mountinfo(ROOT, reached_by="/proc/1/root")

    assert mount.path == "/proc/1/root/"


@pytest.mark.parametrize("row", [b"nonsense", b"1 2 x / / rw - ext4 /dev/a rw"])
def test_what_the_kernel_does_not_document_is_refused(row):
    with pytest.raises(UnreadableTable):
        list(parse_mountinfo(row))


@pytest.mark.parametrize(
    ("row", "is_so"),
    [
        (NTFS, False),
        (b"98 27 0:57 / /home/li/x rw - fuse.any /dev/sdb1 rw,user_id=1000\n", True),
        (b"98 27 0:57 / /home/li/x rw - fuse /dev/sdb1 rw,user_id=1000\n", True),
        (b"98 27 0:57 / /mnt rw - btrfs /dev/sdb1 rw\n", False),
    ],
)
def test_what_a_users_file_system_calls_itself_is_hearsay(row, is_so):
    [mount] = parse_mountinfo(row)

    assert is_hearsay(mount) is is_so
