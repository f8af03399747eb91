import msgspec

from agent.media.devices import Ancestor, Device, DeviceChange
from agent.media.glimpses import Glimpses
from agent.media.identity import identify

USB_PATH = "/sys/devices/pci0000:00/0000:00:03.0/usb2/2-4"
PATH = f"{USB_PATH}/2-4:1.0/host6/target6:0:0/6:0:0:0/block/sdb"
USB = {"idVendor": "0951", "idProduct": "1666", "serial": "4C53"}


def disk(*, usb=None, size="135168"):
    return Device(
        path=PATH,
        subsystem="block",
        devtype="disk",
        node="/dev/sdb",
        number=2064,
        attributes={"size": size, "removable": "1"},
        ancestors=(
            Ancestor(
                subsystem="scsi",
                devtype="scsi_device",
                name="6:0:0:0",
                attributes={"vendor": "Kingston", "model": "DataTraveler"},
            ),
            *([Ancestor(subsystem="usb", devtype="usb_device", name="2-4", attributes=usb)]
              if usb is not None else []),
        ),
    )  # fmt: skip


def usb_device(attributes):
    return Device(
        path=USB_PATH,
        subsystem="usb",
        devtype="usb_device",
        attributes=attributes,
        properties={"DEVNUM": "006", "PRODUCT": "951/1666/100"},
    )


GONE = DeviceChange("remove", Device(path=PATH, subsystem="block", devtype="disk"))


def test_a_stick_that_went_before_udev_told_of_it_is_known_by_the_kernel_s_word():
    glimpses = Glimpses()

    assert glimpses.apply(DeviceChange("add", disk(usb=USB))) is None
    medium = identify(glimpses.apply(GONE))

    assert (medium.serial, medium.vendor_id, medium.product_id) == ("4C53", "0951", "1666")
    assert (medium.vendor, medium.model, medium.kind) == ("Kingston", "DataTraveler", "stick")
    assert medium.device == "/dev/sdb"


def test_its_key_is_the_one_that_udev_s_word_gives():
    told = Device(
        path=PATH,
        subsystem="block",
        devtype="disk",
        attributes={"size": "135168", "removable": "1"},
        properties={"ID_SERIAL_SHORT": "4C53", "ID_VENDOR_ID": "0951", "ID_MODEL_ID": "1666"},
        ancestors=(Ancestor(subsystem="usb", devtype="usb_device", name="2-4", attributes=USB),),
    )
    glimpses = Glimpses()
    glimpses.apply(DeviceChange("add", disk(usb=USB)))

    assert identify(glimpses.apply(GONE)).key == identify(told).key


def test_what_udev_has_told_of_is_no_news():
    glimpses = Glimpses()
    glimpses.apply(DeviceChange("add", disk(usb=USB)))
    glimpses.told([disk(usb=USB)])

    assert glimpses.apply(GONE) is None


def test_what_udev_told_of_the_one_before_is_nothing_about_this_one():
    glimpses = Glimpses()
    glimpses.apply(DeviceChange("add", numbered("12")))
    glimpses.told([numbered("11")])

    assert identify(glimpses.apply(GONE)).serial == "4C53"


def numbered(sequence):
    return msgspec.structs.replace(disk(usb=USB), properties={"DISKSEQ": sequence})


def test_a_usb_device_that_left_sysfs_first_is_remembered():
    glimpses = Glimpses()
    glimpses.apply(DeviceChange("add", usb_device({**USB, "devnum": "6"})))
    glimpses.apply(DeviceChange("remove", usb_device({})))
    glimpses.apply(DeviceChange("add", disk(usb=None)))

    assert identify(glimpses.apply(GONE)).serial == "4C53"


def test_what_stands_in_sysfs_may_be_the_next_one_by_now():
    next_one = {"idVendor": "1234", "idProduct": "5678", "serial": "NEXT", "devnum": "7"}
    glimpses = Glimpses()
    glimpses.apply(DeviceChange("add", usb_device(next_one)))
    glimpses.apply(DeviceChange("add", disk(usb=next_one)))

    medium = identify(glimpses.apply(GONE))

    assert (medium.vendor_id, medium.product_id, medium.serial) == ("0951", "1666", "")


def test_one_of_which_nothing_could_be_read_any_more_was_there_all_the_same():
    glimpses = Glimpses()
    glimpses.apply(DeviceChange("add", usb_device({})))
    gone = Device(path=PATH, subsystem="block", devtype="disk", node="/dev/sdb")
    glimpses.apply(DeviceChange("add", gone))

    seen = glimpses.apply(GONE)

    assert identify(seen) is None
    medium = identify(seen, vanished=True)
    assert (medium.bus, medium.vendor_id, medium.product_id) == ("usb", "0951", "1666")


def test_an_empty_slot_of_a_reader_was_no_medium():
    glimpses = Glimpses()
    glimpses.apply(DeviceChange("add", disk(usb=USB, size="0")))

    assert identify(glimpses.apply(GONE), vanished=True) is None


def test_what_never_goes_is_not_kept_for_ever():
    glimpses = Glimpses()
    glimpses.apply(DeviceChange("add", disk(usb=USB)))
    for number in range(300):
        loop = Device(path=f"/sys/devices/loop{number}", subsystem="block", devtype="disk")
        glimpses.apply(DeviceChange("add", loop))

    assert glimpses.apply(GONE) is None
