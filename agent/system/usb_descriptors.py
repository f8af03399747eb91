"""What a USB device says that its interfaces are, before anybody else has asked: sysfs.

USB 2.0 section 9.6.5; /sys/bus/usb/devices/*/descriptors holds device and configurations.
"""

from collections.abc import Iterator
from pathlib import Path

_INTERFACE = 4
_INTERFACE_SIZE = 9


def interfaces_of(folder: Path) -> str:
    """Class, subclass and protocol of each as udev lists them (`:080650:030101:`), empty when
    it has none or is gone.
    """
    try:
        octets = (folder / "descriptors").read_bytes()
    except OSError:
        return ""
    found = dict.fromkeys(interface_triples(octets))
    return f":{':'.join(found)}:" if found else ""


def interface_triples(octets: bytes) -> Iterator[str]:
    """In the order of the descriptors; what follows a broken one is not read."""
    place = 0
    while place + 2 <= len(octets):
        length, kind = octets[place], octets[place + 1]
        if length < 2 or place + length > len(octets):
            return
        if kind == _INTERFACE and length >= _INTERFACE_SIZE:
            yield octets[place + 5 : place + 8].hex()
        place += length
