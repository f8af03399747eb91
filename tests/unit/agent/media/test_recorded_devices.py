"""Which recorded devices are media, of which kind, and which rules they raise unregistered."""

import pytest

from agent.media.inventory import Inventory
from checks.facts.media import Medium, MediumAttached, MediumMounted
from tests.recorded_devices import devices_in, names, recording
from tests.samples import rules_raised

NOTHING: tuple[list[str], list[str]] = ([], [])
MOUNTED = ["MED-01"]
EXPECTED: dict[str, tuple[list[str], list[str]]] = {
    # sticks
    "stick_kingston": (["stick"], MOUNTED),
    "stick_sandisk_exfat": (["stick"], MOUNTED),
    "stick_without_serial": (["stick"], MOUNTED),
    "stick_without_table": (["stick"], MOUNTED),
    "stick_that_says_fixed": (["disk"], MOUNTED),
    "stick_gpt_with_reserved": (["stick"], MOUNTED),
    "stick_hybrid_image": (["stick"], MOUNTED),
    "stick_secure_with_hid": (["stick"], MOUNTED),
    "player_as_storage": (["stick"], MOUNTED),
    "reader_of_books": (["stick"], MOUNTED),
    "camera_nikon_as_storage": (["stick"], MOUNTED),
    "dock_with_stick": (["stick"], MOUNTED),
    "stick_lvm": (["stick"], []),  # its volumes raise MED-01 when one is mounted
    # what nobody can look into
    "stick_luks": (["stick"], ["MED-15"]),
    "stick_bitlocker": (["stick"], ["MED-15"]),
    "stick_bitlocker_whole": (["stick"], ["MED-15"]),
    "stick_container_partition": (["stick"], ["MED-15"]),
    "stick_container_whole": (["stick"], ["MED-15"]),
    "image_container_of_a_user": (["image"], ["MED-15"]),
    "card_sd_with_luks": (["card"], ["MED-10", "MED-15"]),
    # portable disks, and fixed ones
    "ssd_samsung_t7_uas": (["disk"], MOUNTED),
    "disk_wd_elements": (["disk"], MOUNTED),
    "nvme_in_usb_enclosure": (["disk"], MOUNTED),
    "nvme_over_thunderbolt": (["disk"], MOUNTED),
    "disk_on_esata": (["disk"], MOUNTED),
    "disk_on_firewire": (["disk"], MOUNTED),
    "disk_internal_sata": NOTHING,
    "nvme_internal": NOTHING,
    "emmc_soldered": NOTHING,
    # cards and their readers
    "card_sd_in_slot": (["card"], ["MED-10"]),
    "reader_with_card": (["card"], ["MED-10"]),
    "reader_of_four_slots": (["card"], ["MED-10"]),
    "printer_with_card": (["card"], ["MED-10"]),
    "reader_empty": NOTHING,
    "printer_slot_empty": NOTHING,
    "dock_with_empty_reader": NOTHING,
    # telephones and cameras
    "phone_samsung_mtp": (["phone"], ["MED-09"]),
    "phone_samsung_mtp_modem_adb": (["phone"], ["MED-09"]),
    "phone_xiaomi_mtp_adb": (["phone"], ["MED-09"]),
    "phone_huawei_with_its_disc": (["phone", "token"], ["MED-09"]),
    "phone_pixel_ptp": (["camera"], ["MED-09"]),
    "phone_vivo_mtp_by_hwdb": (["phone"], ["MED-09"]),
    "phone_oppo_adb": (["phone"], ["MED-09"]),
    "phone_honor_tethered_adb": (["phone"], ["MED-09"]),
    "phone_fastboot": (["phone"], ["MED-09"]),
    "phone_iphone": (["phone"], ["MED-09"]),
    "tablet_ipad": (["phone"], ["MED-09"]),
    "camera_canon": (["camera"], ["MED-09"]),
    "camera_sony_mtp": (["phone"], ["MED-09"]),
    "camera_gopro": (["phone"], ["MED-09"]),
    "phone_charging": NOTHING,
    "phone_tethered": NOTHING,  # EXT-04's
    # discs and floppies
    "drive_internal_with_disc": (["optical"], ["MED-10"]),
    "drive_internal_music": (["optical"], ["MED-10"]),
    "drive_internal_blank_disc": (["optical"], ["MED-10"]),
    "drive_usb_with_pictures": (["optical"], ["MED-10"]),
    "floppy_usb": (["floppy"], ["MED-10"]),
    "floppy_internal": (["floppy"], ["MED-10"]),
    "drive_internal_empty": NOTHING,
    "drive_usb_empty": NOTHING,
    # keys, dongles, modems: no media, whatever disc they show
    "key_feitian_ccid": NOTHING,
    "key_ccid_with_disc": (["token"], []),
    "key_hid_with_disc": (["token"], []),
    "key_hid_disc_empty": NOTHING,
    "key_yubikey": NOTHING,
    "dongle_sentinel": NOTHING,
    "dongle_codemeter_hid": NOTHING,
    "dongle_with_disc": (["token"], []),
    "modem_huawei_before_switch": (["token"], []),
    "modem_huawei_after_switch": (["token"], []),
    "modem_zte_with_adb": (["phone", "token"], ["MED-09"]),
    "modem_quectel_mbim": NOTHING,
    "wifi_card_before_switch": (["token"], []),
    # more than they seem
    "bad_stick_with_keyboard": (["stick"], ["MED-13", "MED-01"]),
    "bad_stick_with_hidden_keyboard": (["stick"], ["MED-13", "MED-01"]),
    "bad_stick_with_rndis": (["stick"], ["MED-13", "MED-01"]),
    "bad_stick_with_ethernet": (["stick"], ["MED-13", "MED-01"]),
    "bad_stick_with_both": (["stick"], ["MED-13", "MED-13", "MED-01"]),
    # no media at all
    "keyboard_logitech": NOTHING,
    "scanner_barcode": NOTHING,
    "headset": NOTHING,
    "webcam": NOTHING,
    "ecg_ftdi": NOTHING,
    "ultrasound_cdc": NOTHING,
    "hub": NOTHING,
    # without hardware
    "nbd_connected": (["network_block"], MOUNTED),
    "nbd_idle": NOTHING,
    "image_of_a_user": (["image"], MOUNTED),
    "image_of_the_system": NOTHING,
    "mapped_volume": NOTHING,
    "memory_disk": NOTHING,
}


def media_of(name: str) -> list[Medium]:
    inventory = Inventory()
    inventory.replace(devices_in(recording(name)))
    return sorted(inventory.media().values(), key=lambda medium: medium.kind)


def raised_by(medium: Medium) -> list[str]:
    """When it is plugged in and, if it can be, mounted."""
    facts: list[MediumAttached | MediumMounted] = [MediumAttached(medium=medium)]
    readable = [
        part
        for part in medium.partitions
        if part.filesystem and not part.closed and part.filesystem != "LVM2_member"
    ]
    facts += [
        MediumMounted(medium=medium, partition=part, mount_point="/media/a/X")
        for part in readable[:1]
    ]
    return [rule for fact in facts for rule in rules_raised(fact)]


def test_every_recording_is_expected_to_be_something():
    assert len(EXPECTED) > 80
    assert names() == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_device_is_what_it_is_and_raises_what_it_should(name):
    media = media_of(name)

    kinds, rules = EXPECTED[name]
    assert [medium.kind for medium in media] == kinds
    assert [rule for medium in media for rule in raised_by(medium)] == rules


def test_keys_of_recorded_media_differ():
    keys = [medium.key for name in EXPECTED for medium in media_of(name)]

    assert len(keys) > 50
    assert len(set(keys)) == len(keys)


def test_a_portable_disk_tells_its_inquiry_revision_world_wide_name_and_unit_serial():
    (disk,) = media_of("ssd_samsung_t7_uas")

    assert (disk.revision, disk.unit) == ("1.00", "naa.5002538f70a1b2c3 S5T4NS0R701234")


def test_a_card_in_a_slot_tells_its_cid():
    (card,) = media_of("card_sd_in_slot")

    assert (card.serial, card.unit) == ("0x7c1f9a11", "0353445343333247807c1f9a11013a0d")
