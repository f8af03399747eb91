import pytest

from agent.system.usb_descriptors import interface_triples

DEVICE = bytes([18, 1]) + bytes(16)
CONFIGURATION = bytes([9, 2]) + bytes(7)
STORAGE = bytes([9, 4, 0, 0, 2, 0x08, 0x06, 0x50, 0])
KEYBOARD = bytes([9, 4, 1, 0, 1, 0x03, 0x01, 0x01, 0])
ENDPOINT = bytes([7, 5]) + bytes(5)


@pytest.mark.parametrize(
    ("octets", "triples"),
    [
        (b"", []),
        (DEVICE + CONFIGURATION, []),
        (DEVICE + CONFIGURATION + STORAGE + ENDPOINT, ["080650"]),
        (DEVICE + CONFIGURATION + STORAGE + ENDPOINT + KEYBOARD, ["080650", "030101"]),
        (STORAGE + b"\x00\x04" + KEYBOARD, ["080650"]),
        (STORAGE + KEYBOARD[:5], ["080650"]),
    ],
)
def test_interfaces_are_read_as_far_as_the_descriptors_are_whole(octets, triples):
    assert list(interface_triples(octets)) == triples
