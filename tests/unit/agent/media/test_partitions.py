import pytest

from agent.media.devices import Device
from agent.media.partitions import SECTOR, partition_of, size_of

SEEN = {"USEC_INITIALIZED": "1"}
GIB = 1 << 30


def device(*, size: int = GIB, **properties: str) -> Device:
    return Device(
        path="/devices/x/block/sdb/sdb1",
        subsystem="block",
        devtype="partition",
        node="/dev/sdb1",
        properties=SEEN | properties,
        attributes={"size": str(size // SECTOR)},
    )


def test_a_partition_tells_size_file_system_and_label():
    told = partition_of(
        device(ID_FS_TYPE="vfat", ID_FS_UUID="1A2B", ID_FS_LABEL="x_y", ID_FS_LABEL_ENC=r"x\x20y")
    )

    assert (told.device, told.size, told.filesystem) == ("/dev/sdb1", GIB, "vfat")
    assert (told.uuid, told.label, told.closed) == ("1A2B", "x y", "")


def test_a_size_that_is_no_number_is_none():
    assert size_of(Device(path="/x", subsystem="block", attributes={"size": "?"})) == 0
    assert size_of(Device(path="/x", subsystem="block")) == 0


@pytest.mark.parametrize(
    "properties",
    [{"ID_FS_USAGE": "crypto"}, {"ID_FS_TYPE": "crypto_LUKS"}, {"ID_FS_TYPE": "BitLocker"}],
)
def test_what_is_encrypted_is_closed(properties):
    assert partition_of(device(**properties)).closed == "encrypted"


def test_what_nobody_recognises_is_closed_once_udev_has_looked():
    looked, unseen = device(), Device(path="/x", subsystem="block", attributes={"size": "9999"})

    assert partition_of(looked).closed == "unrecognised"
    assert partition_of(unseen).closed == ""


@pytest.mark.parametrize(
    "properties",
    [
        {"ID_PART_ENTRY_TYPE": "E3C9E316-0B5C-4DB8-817D-F92DF00215AE"},
        {"ID_PART_ENTRY_TYPE": "0x5"},
        {"ID_PART_TABLE_TYPE": "dos"},
        {"ID_CDROM": "1"},
    ],
)
def test_what_never_holds_files_is_not(properties):
    assert partition_of(device(**properties)).closed == ""


def test_a_gap_between_partitions_is_not():
    assert partition_of(device(size=(1 << 20) - SECTOR)).closed == ""
    assert partition_of(device(size=1 << 20)).closed == "unrecognised"


def test_a_disc_with_data_that_nobody_recognises_is_closed():
    disc = device(ID_CDROM="1", ID_CDROM_MEDIA_TRACK_COUNT_DATA="1")

    assert partition_of(disc).closed == "unrecognised"
