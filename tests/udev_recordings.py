"""Recorded udev data as values, and a device source that plays them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from agent.media.devices import Action, Ancestor, Device, DeviceChange
from agent.system.doorbell import Doorbell

MACHINE = Path(__file__).parent / "unit/agent/media/machine.udev"
_STICK_SECTORS = "131072"


def parse_export(text: str) -> list[Device]:
    """Devices of `udevadm info --export-db`, each with the recorded ones above it.

    The export has no sysfs attributes: sizes are those of the recorded machine, and
    `removable` is what usb-storage and CD drives say.
    """
    blocks = [block.splitlines() for block in text.split("\n\n")]
    found = [device for lines in blocks if (device := _device(lines)) is not None]
    return [_with_ancestors(device, found) for device in found]


def _device(lines: list[str]) -> Device | None:
    path = next((line[3:] for line in lines if line.startswith("P: ")), "")
    if not path:
        return None
    pairs = (line[3:].partition("=") for line in lines if line.startswith("E: "))
    told = {key: value for key, _, value in pairs}
    number = os.makedev(int(told.get("MAJOR", 0)), int(told.get("MINOR", 0)))
    removable = told.get("ID_USB_DRIVER") == "usb-storage"
    block = {"size": _STICK_SECTORS, "removable": str(int(removable))}
    return Device(
        path=f"/sys{path}",
        subsystem=told["SUBSYSTEM"],
        devtype=told.get("DEVTYPE", ""),
        node=told.get("DEVNAME", ""),
        number=number,
        properties=told,
        attributes=block if told["SUBSYSTEM"] == "block" else {},
    )


def _with_ancestors(device: Device, known: Iterable[Device]) -> Device:
    above = [one for one in known if device.path.startswith(f"{one.path}/")]
    nearest_first = sorted(above, key=lambda one: len(one.path), reverse=True)
    ancestors = tuple(
        Ancestor(
            subsystem=one.subsystem,
            devtype=one.devtype,
            name=one.path.rsplit("/", 1)[1],
            attributes=one.attributes,
        )
        for one in nearest_first
    )
    return Device(
        path=device.path,
        subsystem=device.subsystem,
        devtype=device.devtype,
        node=device.node,
        number=device.number,
        properties=device.properties,
        attributes=device.attributes,
        ancestors=ancestors,
    )


class RecordedDevices:
    """Fits DeviceSource: what is told to it happens."""

    def __init__(self, devices: Iterable[Device] = ()) -> None:
        self._present = {device.path: device for device in devices}
        self._waiting: list[DeviceChange] = []
        self._doorbell: Doorbell | None = None

    def happens(self, action: Action, device: Device) -> None:
        if action == "remove":
            self._present.pop(device.path, None)
        else:
            self._present[device.path] = device
        if self._doorbell is not None:
            self._waiting.append(DeviceChange(action, device))
            self._doorbell.ring()

    def open(self) -> int:
        self._doorbell = Doorbell()
        return self._doorbell.fileno()

    def changes(self) -> Iterator[DeviceChange]:
        if self._doorbell is not None:
            self._doorbell.answer()
        waiting, self._waiting = self._waiting, []
        yield from waiting

    def present(self) -> Iterator[Device]:
        yield from self._present.values()

    def degraded(self) -> str:
        return ""

    def close(self) -> None:
        if self._doorbell is not None:
            self._doorbell.close()
        self._doorbell = None


def disk(
    name: str,
    *ancestors: Ancestor,
    attributes: Mapping[str, str] | None = None,
    number: int = os.makedev(8, 64),
    **properties: str,
) -> Device:
    """A whole disk of 4 GiB as udev would tell of it."""
    return Device(
        path=f"/sys/devices/x/block/{name}",
        subsystem="block",
        devtype="disk",
        node=f"/dev/{name}",
        number=number,
        properties=properties,
        attributes={"size": "8388608", "removable": "0", **(attributes or {})},
        ancestors=ancestors,
    )
