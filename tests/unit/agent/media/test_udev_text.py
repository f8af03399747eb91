import pytest

from agent.media.devices import Device
from agent.media.udev_text import name_of, unescaped


def device(**properties: str) -> Device:
    return Device(path="/devices/x", subsystem="block", properties=properties)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", ""),
        ("Kingston", "Kingston"),
        (r"Data\x20Traveler\x203.0", "Data Traveler 3.0"),
        (r"\xe5\x86\x85\xe7\xa7\x91", "内科"),
        (r"a\x5cb", r"a\b"),
        (r"\xff\xfe", ""),
        ("内科", "内科"),
    ],
)
def test_what_udev_escaped_is_read_as_utf_8_or_is_no_name(written, meant):
    assert unescaped(written) == meant


def test_a_name_is_what_was_written_where_udev_kept_that():
    told = device(ID_MODEL="Data_Traveler", ID_MODEL_ENC=r"Data\x20Traveler\x20\x20")

    assert name_of(told, "ID_MODEL") == "Data Traveler"


def test_without_it_underscores_are_spaces():
    assert name_of(device(ID_VENDOR="Western_Digital_"), "ID_VENDOR") == "Western Digital"
    assert name_of(device(ID_VENDOR="SanDisk", ID_VENDOR_ENC=r"\x20"), "ID_VENDOR") == "SanDisk"
    assert name_of(device(), "ID_VENDOR") == ""
