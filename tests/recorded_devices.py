"""Recorded devices in the format of umockdev-record(1), as values: what udev would tell.

`tests/devices` has one file a device, written from what makers, hwdb and kernel document of it;
serial numbers are invented.  `devices_in` is held to libudev itself by a contract test.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.media.devices import ATTRIBUTES, BINARY_ATTRIBUTES, Ancestor, Device

FOLDER = Path(__file__).parent / "devices"
_Block = Mapping[str, Mapping[str, str]]


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.umockdev"))


def recording(name: str) -> str:
    return (FOLDER / f"{name}.umockdev").read_text("utf-8")


def devices_in(text: str) -> list[Device]:
    """What a source of devices tells of it: disks, partitions, USB devices, keyboards."""
    blocks = dict(_blocks(text))
    return [_device(path, block, blocks) for path, block in blocks.items() if _is_told(block["E"])]


def _blocks(text: str) -> Iterator[tuple[str, _Block]]:
    for lines in text.strip().split("\n\n"):
        block: dict[str, dict[str, str]] = {"E": {}, "A": {}, "H": {}}
        path = ""
        for line in lines.splitlines():
            letter, _, told = line.partition(": ")
            if letter == "P":
                path = told
            elif letter in block:
                key, _, value = told.partition("=")
                block[letter][key] = value
        yield path, block


def _is_told(properties: Mapping[str, str]) -> bool:
    subsystem, devtype = properties["SUBSYSTEM"], properties.get("DEVTYPE")
    keyboard = subsystem == "input" and properties.get("ID_INPUT_KEYBOARD") == "1"
    return subsystem == "block" or devtype == "usb_device" or keyboard


def _device(path: str, block: _Block, blocks: Mapping[str, _Block]) -> Device:
    told = block["E"]
    above = sorted((p for p in blocks if path.startswith(f"{p}/")), key=len, reverse=True)
    return Device(
        path=f"/sys{path}",
        subsystem=told["SUBSYSTEM"],
        devtype=told.get("DEVTYPE", ""),
        node=told.get("DEVNAME", ""),
        number=os.makedev(int(told.get("MAJOR", 0)), int(told.get("MINOR", 0))),
        properties=told,
        attributes=_attributes(path, block, blocks),
        ancestors=tuple(_ancestor(p, blocks) for p in above),
    )


def _ancestor(path: str, blocks: Mapping[str, _Block]) -> Ancestor:
    told = blocks[path]["E"]
    return Ancestor(
        subsystem=told["SUBSYSTEM"],
        devtype=told.get("DEVTYPE", ""),
        name=path.rpartition("/")[2],
        attributes=_attributes(path, blocks[path], blocks),
    )


def _attributes(path: str, block: _Block, blocks: Mapping[str, _Block]) -> Mapping[str, str]:
    told = block["E"]
    wanted = ATTRIBUTES.get(told["SUBSYSTEM"], ())
    read = {key: value for key, value in block["A"].items() if key in wanted}
    if told.get("DEVTYPE") == "usb_device":
        own = f"{path}/{path.rpartition('/')[2]}:"
        below = [one["A"].get("interface", "") for p, one in blocks.items() if p.startswith(own)]
        read["interfaces"] = "\n".join(name for name in below if name)
    if told.get("DEVTYPE") == "scsi_device":
        read |= {name: block["H"].get(name, "") for name in BINARY_ATTRIBUTES}
    return read
