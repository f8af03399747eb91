from agent.media.devices import DeviceChange
from agent.media.inventory import Inventory
from tests.udev_recordings import MACHINE, disk, parse_export

RECORDED = parse_export(MACHINE.read_text("ascii"))


def recorded(node):
    return next(device for device in RECORDED if device.node == node)


def test_a_partition_is_located_on_its_medium():
    inventory = Inventory()
    inventory.replace(RECORDED)

    located = inventory.locate(recorded("/dev/sdc1").number)

    assert located is not None
    assert located.medium.device == "/dev/sdc"
    assert (located.partition.device, located.partition.filesystem) == ("/dev/sdc1", "vfat")


def test_a_partition_of_the_system_disk_lies_on_no_medium():
    inventory = Inventory()
    inventory.replace(RECORDED)
    number = recorded("/dev/sda2").number

    assert inventory.knows(number)
    assert inventory.locate(number) is None


def test_a_disk_with_a_table_has_no_partitions_until_they_come():
    inventory = Inventory()
    inventory.apply(DeviceChange("add", recorded("/dev/sdc")))
    before = [medium.partitions for medium in inventory.media().values()]
    inventory.apply(DeviceChange("add", recorded("/dev/sdc1")))
    after = [len(medium.partitions) for medium in inventory.media().values()]

    assert (before, after) == ([()], [1])


def test_what_is_removed_is_no_medium_any_more():
    inventory = Inventory()
    inventory.apply(DeviceChange("add", recorded("/dev/sdc")))

    inventory.apply(DeviceChange("remove", recorded("/dev/sdc")))

    assert inventory.media() == {}


def test_an_internal_disk_on_a_hot_plug_port_stays_a_system_disk():
    internal = disk("sda", ID_BUS="ata", attributes={"removable": "1"}, number=2049)

    fixed, loose = Inventory(frozenset([2049])), Inventory()
    fixed.replace([internal])
    loose.replace([internal])

    assert (len(fixed.media()), len(loose.media())) == (0, 1)
