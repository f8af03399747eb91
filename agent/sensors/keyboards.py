"""USB keyboards that this machine never had.  The first start only takes note.

Those of laptops (PS/2, I2C) and those on Bluetooth are left out: they cannot be plugged in.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from agent.durable import make_private_folder, move_aside, read_whole, write_durably
from agent.media.devices import Device, DeviceSource, is_keyboard
from checks.facts import Fact
from checks.facts.health import SensorGap
from checks.facts.keyboards import KeyboardAppeared
from checks.policy import PolicyDocument

MEMORY = "keyboards.json"
KEPT = 256

Text = Annotated[str, msgspec.Meta(max_length=256)]


class KnownKeyboards(msgspec.Struct, frozen=True, kw_only=True):
    """By `KeyboardAppeared.device`, the newest last."""

    devices: Annotated[tuple[Text, ...], msgspec.Meta(max_length=KEPT)] = ()


class KeyboardSensor:
    """Fits Sensor.  `state` is the folder in which it remembers across restarts."""

    name = "keyboards"
    heals_every = timedelta(minutes=5)

    def __init__(self, devices: DeviceSource, state: Path) -> None:
        self._devices = devices
        self._path = state / MEMORY

    def start(self, document: PolicyDocument) -> Sequence[int]:
        del document  # what is new is told everywhere; the policy says where it counts
        self._fault = ""
        known = self._remembered()
        self._first = known is None
        self._known = self._kept = known or KnownKeyboards()
        return (self._devices.open(),)

    def wake(self) -> Iterable[Fact]:
        self._keep()
        try:
            changed = [each.device for each in self._devices.changes() if each.action != "remove"]
        except OSError:  # the kernel dropped events: what is there now tells the same
            changed = list(self._devices.present())
        yield from self._new_among(changed)

    def heal(self) -> Iterable[Fact]:
        if self._fault:
            yield self._begun_anew()
        self._keep()
        yield from self._new_among(self._devices.present())
        if self._first:
            self._first = False
            self._keep(even_if_nothing=True)

    def deadline(self) -> float | None:
        return None

    def degraded(self) -> str:
        return ""

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        del document
        return ()

    def stop(self) -> None:
        self._devices.close()

    def _new_among(self, devices: Iterable[Device]) -> Iterator[Fact]:
        for device in devices:
            identity = usb_identity(device)
            if not identity or identity in self._known.devices:
                continue
            self._known = KnownKeyboards(devices=(*self._known.devices, identity)[-KEPT:])
            if not self._first:
                name = device.properties.get("NAME", "").strip('"')
                yield KeyboardAppeared(device=identity, name=name)

    def _keep(self, *, even_if_nothing: bool = False) -> None:
        """What was told the last time is on its way by now: twice is better than never."""
        if self._known != self._kept or even_if_nothing:
            make_private_folder(self._path.parent)
            write_durably(self._path, msgspec.json.encode(self._known))
        self._kept = self._known

    def _remembered(self) -> KnownKeyboards | None:
        content = read_whole(self._path)
        if content is None:
            return None
        try:
            return msgspec.json.decode(content, type=KnownKeyboards)
        except msgspec.DecodeError as broken:
            move_aside(self._path, ".broken")
            self._fault = str(broken)
            return None

    def _begun_anew(self) -> SensorGap:
        now_us = time.time_ns() // 1000
        detail = f"the memory of keyboards was unreadable and begins anew: {self._fault}"
        self._fault = ""
        return SensorGap(
            sensor=self.name, cause="failed", from_us=now_us, to_us=now_us, detail=detail
        )


def usb_identity(device: Device) -> str:
    """`vendor:product:serial` of a USB keyboard, empty of everything else."""
    usb = device.above("usb", "usb_device")
    if not is_keyboard(device) or usb is None or device.above("bluetooth") is not None:
        return ""
    told = (usb.attributes.get(name, "") for name in ("idVendor", "idProduct", "serial"))
    return ":".join(part for part in told if part)[:256]
