"""The devices that are there and the media among them.

State, not history: whatever came, `media` is told anew from the devices of now, so a
lost or doubled event changes nothing once the devices were read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from agent.media.devices import Device, DeviceChange, is_keyboard
from agent.media.identity import identify, usb_folder
from agent.media.partitions import partition_of
from checks.facts.media import Medium, Partition


class Located(msgspec.Struct, frozen=True):
    """Where a block device belongs: its medium (by the disk's path) and partition."""

    disk: str
    medium: Medium
    partition: Partition


class Inventory:
    def __init__(self, system_disks: AbstractSet[int] = frozenset()) -> None:
        """`system_disks`: dev_t of the disks and partitions that the system runs from."""
        self._system_disks = system_disks
        self._devices: dict[str, Device] = {}

    def apply(self, change: DeviceChange) -> None:
        if change.action == "remove":
            self._devices.pop(change.device.path, None)
        else:
            self._devices[change.device.path] = change.device

    def replace(self, devices: Iterable[Device]) -> None:
        self._devices = {device.path: device for device in devices}

    def disks(self) -> Sequence[Device]:
        return [one for one in self._devices.values() if one.devtype == "disk"]

    def device(self, path: str) -> Device | None:
        return self._devices.get(path)

    def media(self) -> Mapping[str, Medium]:
        """Media by the path of their disk."""
        parts = self._partitions_by_disk()
        keyboards = {usb_folder(one) for one in self._devices.values() if is_keyboard(one)}
        found = {}
        for path, device in self._devices.items():
            own = parts.get(path, [])
            numbers = {device.number, *(part.number for part in own)}
            medium = identify(
                device,
                own,
                system_disk=not numbers.isdisjoint(self._system_disks),
                keyboards=keyboards - {""},
            )
            if medium is not None:
                found[path] = medium
        return found

    def locate(self, number: int) -> Located | None:
        """The medium that this block device lies on, None when it lies on none."""
        device = next((d for d in self._devices.values() if d.number == number and number), None)
        if device is None or device.subsystem != "block":
            return None
        medium = self.media().get(device.disk_path)
        if medium is None:
            return None
        return Located(device.disk_path, medium, partition_of(device))

    def knows(self, number: int) -> bool:
        return any(device.number == number for device in self._devices.values())

    def _partitions_by_disk(self) -> Mapping[str, list[Device]]:
        parts: dict[str, list[Device]] = {}
        for device in sorted(self._devices.values(), key=lambda one: one.number):
            if device.subsystem == "block" and device.devtype == "partition":
                parts.setdefault(device.disk_path, []).append(device)
        return parts
