import pytest

from agent.media.vital_pages import unit_name, unit_serial

SERIAL_PAGE = bytes.fromhex("0080000c") + b"  S4EWNX0R12"
NAA = bytes.fromhex("01030008") + bytes.fromhex("5000c500a1b2c3d4")
EUI = bytes.fromhex("01020008") + bytes.fromhex("0025385b71b0aabb")
VENDOR = bytes.fromhex("0201000a") + b"ATA  MODEL"
OF_PORT = bytes.fromhex("01130008") + bytes.fromhex("5000c500ffffffff")


def page_83(*designators):
    body = b"".join(designators)
    return bytes.fromhex("0083") + len(body).to_bytes(2, "big") + body


def test_the_unit_serial_number_is_told_without_padding():
    assert unit_serial(SERIAL_PAGE) == "S4EWNX0R12"


@pytest.mark.parametrize(
    ("page", "name"),
    [
        (page_83(VENDOR, EUI, NAA), "naa.5000c500a1b2c3d4"),
        (page_83(VENDOR, EUI), "eui.0025385b71b0aabb"),
        (page_83(OF_PORT), ""),
        (page_83(VENDOR), ""),
        (page_83(NAA)[:-1], ""),
        (SERIAL_PAGE, ""),
        (b"", ""),
        (bytes.fromhex("0083ffff"), ""),
    ],
    ids=["strongest", "eui", "the port's", "vendor's", "torn", "another", "none", "lies"],
)
def test_the_unit_is_named_by_what_is_its_own_in_the_whole_world(page, name):
    assert unit_name(page) == name


@pytest.mark.parametrize("page", [b"", b"\x00\x80", page_83(NAA), bytes.fromhex("0080ffff")])
def test_what_is_no_serial_page_tells_no_serial_number(page):
    assert unit_serial(page) == ""
