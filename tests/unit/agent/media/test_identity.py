import pytest

from agent.media.devices import Ancestor
from agent.media.identity import bus_of, identify, medium_key
from agent.media.inventory import Inventory
from tests.udev_recordings import MACHINE, disk, parse_export

USB = Ancestor(subsystem="usb", devtype="usb_device", name="1-1")
OUTER_PCI = Ancestor(subsystem="pci", attributes={"removable": "removable"})
INNER_PCI = Ancestor(subsystem="pci", attributes={"removable": "fixed"})
SD_CARD = Ancestor(subsystem="mmc", attributes={"type": "SD", "serial": "0x1a2b", "name": "SC16G"})
EMMC = Ancestor(subsystem="mmc", attributes={"type": "MMC"})


def recorded_media():
    inventory = Inventory()
    inventory.replace(parse_export(MACHINE.read_text("ascii")))
    return {medium.device: medium for medium in inventory.media().values()}


def test_a_recorded_machine_has_its_media_and_no_others():
    kinds = {node: (medium.kind, medium.bus) for node, medium in recorded_media().items()}

    assert kinds == {
        "/dev/sdc": ("stick", "usb"),
        "/dev/sdd": ("stick", "usb"),
        "/dev/sdb": ("disk", "usb"),
        "/dev/sr0": ("optical", "optical"),
        "/dev/bus/usb/001/004": ("phone", "usb"),
    }


def test_a_stick_tells_maker_serial_table_and_partitions():
    stick = recorded_media()["/dev/sdc"]

    assert (stick.vendor_id, stick.product_id, stick.serial) == ("0951", "1666", "4C530001")
    assert (stick.vendor, stick.model) == ("Kingston", "DataTraveler 3.0")
    assert (stick.table, stick.capacity) == ("dos", 67108864)
    assert [(part.device, part.filesystem) for part in stick.partitions] == [("/dev/sdc1", "vfat")]


def test_a_stick_with_a_hidden_keyboard_keeps_both_interfaces():
    assert recorded_media()["/dev/sdd"].interfaces == ":080650:030101:"


@pytest.mark.parametrize(
    ("device", "bus"),
    [
        (disk("sda", USB, removable="0"), "usb"),
        (disk("sda", ID_BUS="ata"), ""),
        (disk("sda", ID_BUS="ata", attributes={"removable": "1"}), "sata_hotplug"),
        (disk("nvme0n1", INNER_PCI), ""),
        (disk("nvme1n1", INNER_PCI, OUTER_PCI), "thunderbolt"),
        (disk("vda", attributes={"removable": "1"}), ""),
        (disk("mmcblk0", SD_CARD), "mmc"),
        (disk("mmcblk1", EMMC), ""),
        (disk("sdf", Ancestor(subsystem="firewire")), "firewire"),
        (disk("fd0"), "floppy"),
        (disk("nbd0"), "nbd"),
        (disk("loop3", attributes={"loop/backing_file": "/home/a/stick.img"}), "loop"),
        (disk("loop4", attributes={"loop/backing_file": "/var/lib/snapd/snaps/x.snap"}), ""),
        (disk("loop5", USB), "usb"),
        (disk("dm-0"), ""),
        (disk("zram0"), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else value.node,
)
def test_the_way_it_is_attached_decides(device, bus):
    assert bus_of(device) == bus


def test_a_hot_plug_port_with_the_running_system_on_it_is_fixed():
    device = disk("sda", ID_BUS="ata", attributes={"removable": "1"})

    assert identify(device) is not None
    assert identify(device, system_disk=True) is None


def test_a_signature_keys_virtual_drive_without_a_disc_is_no_medium():
    empty = disk("sr1", USB, ID_CDROM="1", ID_BUS="usb")

    assert identify(empty) is None


def test_an_empty_card_slot_is_no_medium():
    assert identify(disk("sde", USB, attributes={"size": "0"})) is None


def test_the_serial_number_of_a_reader_is_not_that_of_its_card():
    reader = {"ID_MODEL": "USB3.0_Card_Reader", "ID_SERIAL_SHORT": "000000001536"}
    first = identify(disk("sde", USB, ID_FS_UUID="A", **reader))
    second = identify(disk("sde", USB, ID_FS_UUID="B", **reader))

    assert first is not None
    assert second is not None
    assert (first.kind, first.serial) == ("card", "")
    assert first.key != second.key


def test_the_key_is_the_same_wherever_a_stick_is_plugged():
    one = disk("sda", USB, ID_SERIAL_SHORT="S1", ID_VENDOR_ID="0951", ID_MODEL_ID="1666")
    other = disk("sdz", USB, ID_SERIAL_SHORT="S1", ID_VENDOR_ID="0951", ID_MODEL_ID="1666")

    keys = {medium.key for medium in (identify(one), identify(other)) if medium is not None}

    assert len(keys) == 1


def test_file_systems_count_for_the_key_only_without_a_serial_number():
    told = {"bus": "usb", "vendor": "1", "product": "2", "capacity": 3}

    assert medium_key(serial="S", ids=["a"], **told) == medium_key(serial="S", ids=["b"], **told)
    assert medium_key(serial="", ids=["a"], **told) != medium_key(serial="", ids=["b"], **told)


def test_a_label_in_chinese_is_read_as_it_was_written():
    label = r"\xe7\x97\x85\xe5\x8e\x86"
    medium = identify(disk("sde", USB, ID_FS_LABEL_ENC=label, ID_FS_LABEL="______"))

    assert medium is not None
    assert medium.partitions[0].label == "病历"
