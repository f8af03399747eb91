"""USB devices that are held by their own node (usbfs), beside the disks that they are.

Telephones and cameras hand out files through it (MTP, PTP), which nobody can scan: they are
held until an emergency.  What is storage and nothing else would let root read it past its disk;
nobody else has use for its node, so that stays held after the disk's release, too.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent.hold_requests import EmergencyRelease
from agent.media.devices import Device
from agent.media.holding import is_meant
from agent.media.identity import identify
from agent.system.hold_gate import DeviceNumber, HoldGate
from agent.system.hold_programs import CHARACTER
from agent.system.usb_descriptors import interfaces_of
from checks.facts import Fact
from checks.facts.holding import MediumHeld
from checks.facts.media import Medium

_STORAGE = "08"  # bInterfaceClass


class HeldUsb:
    def __init__(self, gate: HoldGate) -> None:
        self._gate = gate
        self._held: dict[str, DeviceNumber] = {}
        self._media: dict[str, Medium] = {}

    def appeared(self, device: Device) -> Iterator[Fact]:
        if device.path in self._held or device.devtype != "usb_device":
            return
        interfaces = interfaces_of(Path(device.path))
        known = {**device.properties, "ID_USB_INTERFACES": interfaces}
        medium = identify(msgspec.structs.replace(device, properties=known))
        if medium is None and not _is_only_storage(interfaces):
            return
        number = DeviceNumber(CHARACTER, device.number)
        self._gate.hold(number)
        self._held[device.path] = number
        if medium is not None:
            self._media[device.path] = medium
            yield MediumHeld(medium=medium, action="held")
            yield MediumHeld(medium=medium, action="kept", ground="no_file_system")

    def vanished(self, path: str) -> None:
        self._media.pop(path, None)
        number = self._held.pop(path, None)
        if number is not None:
            self._gate.forget(number)

    def paths(self) -> list[str]:
        return list(self._held)

    def emergency(self, request: EmergencyRelease) -> Iterator[Fact]:
        """Nothing when none is meant."""
        for path, medium in list(self._media.items()):
            if is_meant(request.medium, names=(medium.key, medium.serial, medium.device)):
                del self._media[path]
                self._gate.forget(self._held[path])
                yield MediumHeld(
                    medium=medium,
                    action="released",
                    ground="emergency",
                    reason=request.reason,
                    actor=request.actor,
                    name=request.name,
                )

    def end(self, ground: str) -> Iterator[Fact]:
        """The gate is gone already."""
        for medium in self._media.values():
            yield MediumHeld(medium=medium, action="released", ground=ground)
        self._held, self._media = {}, {}


def _is_only_storage(interfaces: str) -> bool:
    triples = [triple for triple in interfaces.split(":") if triple]
    return bool(triples) and all(triple.startswith(_STORAGE) for triple in triples)
