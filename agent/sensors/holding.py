"""Holds media until they were scanned: where the policy says `hold`, nobody but the agent
reads a byte between insertion and release.

The gate in the kernel refuses what it has not heard of, so this sensor only ever opens it:
for disks that are no media at once, for media when all their file systems were scanned clean
by a current engine, and in an emergency.  A service that ends leaves the gate shut; the next
start looks at every medium again that is not released.

Devices are heard of from the kernel: udevd cannot open what is held, and knows no more.
Nodes of USB devices (`held_usb`) are held from the moment at which the kernel has told of them,
a few milliseconds after their insertion: most of them are no media.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec

from agent.hold_requests import EmergencyRelease, answer, hold_requests
from agent.media.devices import Device, DeviceChange, DeviceSource
from agent.media.holding import GUARDED_BUSES, Cleared
from agent.media.identity import bus_of
from agent.media.inventory import Inventory
from agent.media.quarantine import Finds
from agent.media.receipts import rules_of
from agent.media.telling import Names
from agent.sensors.held_disks import Answer, Hands, HeldDisks
from agent.sensors.held_usb import HeldUsb
from agent.system.bpf_kernel import NoEbpf
from agent.system.gathering import Gathering
from agent.system.held_disk import (
    OpenedDisk,
    all_numbers,
    numbers_of,
    tell_others,
    tell_others_of_all,
)
from agent.system.hold_gate import DeviceNumber, HoldGate
from agent.system.hold_programs import BLOCK
from agent.system.hold_threads import DiskClosed, HoldThreads
from agent.system.inotify import FolderWatch
from agent.system.mounts import MountTable, system_disks, underlying
from agent.system.scan_threads import ReceiptMade, ScanEnded, ScanSettled, ScanThreads
from checks.facts import Fact
from checks.facts.health import SensorGap
from checks.facts.holding import MediumHeld
from checks.facts.media import Medium
from checks.policy import PolicyDocument

NOT_ASKED_FOR = "media are not held here: the policy does not ask for it"
NOT_HELD = "media are not held here, only watched; they can be opened before their scan: {error}"
STUCK = "media stay held by an earlier run, and none is scanned or released: {error}"


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What a hold works with.  `state` is the agent's folder, `salt` what file names are
    hashed with, `cgroup` the control group that is kept out (everybody where it is None);
    `monotonic` gives seconds, `wall_us` microseconds since the epoch.
    """

    devices: DeviceSource
    mounts: MountTable
    gate: HoldGate
    scans: Callable[[], ScanThreads]
    cleared: Cleared
    state: Path
    salt: bytes
    monotonic: Callable[[], float]
    wall_us: Callable[[], int]
    cgroup: int | None = None
    finds: Finds | None = None


class HoldSensor:
    """Fits `Sensor`.  Where nothing is held it watches no media, and tells whoever asks for one
    to be released why it is not held.
    """

    name = "holding"
    heals_every = timedelta(minutes=5)

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._requests = hold_requests(tools.state)
        self._names = Names(tools.salt)
        self._gathering: Gathering | None = None
        self._watch: FolderWatch | None = None
        self._disks: HeldDisks | None = None
        self._trouble = ""

    def start(self, document: PolicyDocument) -> Sequence[int]:
        self._gathering = Gathering()
        self._watch = FolderWatch()
        self._watch.watch(self._requests.open())
        self._gathering.add(self._watch.fileno())
        self._first: list[Fact] = list(self._follow(document))
        return [self._gathering.fileno()]

    def wake(self) -> Iterable[Fact]:
        facts, self._first = self._first, []
        if self._disks is not None:
            facts += self._heard(self._disks)
        facts += self._asked_to_release()
        return facts

    def heal(self) -> Iterable[Fact]:
        """What could not be held is tried again."""
        looked = list(self._follow(self._document)) if self._trouble else []
        looked += [] if self._disks is None else self._look(self._disks)
        return [*looked, *self.wake()]

    def deadline(self) -> float | None:
        if self._disks is None:
            return None
        return self._tools.monotonic() if self._first else self._disks.deadline()

    def degraded(self) -> str:
        return self._trouble or ("" if self._disks is None else self._tools.gate.degraded())

    def policy_changed(self, document: PolicyDocument) -> Iterable[Fact]:
        return list(self._follow(document))

    def stop(self) -> None:
        """The gate stays shut: who stops the service does not get the medium for it."""
        if self._disks is not None:
            self._give_up(self._disks)
        for own in (self._watch, self._gathering):
            if own is not None:
                own.close()
        self._watch = self._gathering = None

    def _heard(self, disks: HeldDisks) -> Iterator[Fact]:
        yield from self._devices_changed(disks)
        for news in self._threads.news():
            if isinstance(news, DiskClosed):
                yield from disks.closed(news)
            else:
                yield from disks.opened(news)
        for heard in self._scans.news():
            if isinstance(heard, ScanEnded):
                yield from disks.scan_ended(heard)
            elif isinstance(heard, ScanSettled):
                disks.scan_settled(heard)
            elif isinstance(heard, ReceiptMade):
                yield heard.fact
        disks.look_again()
        self._seen_at_us = self._tools.wall_us()

    def _follow(self, document: PolicyDocument) -> Iterator[Fact]:
        self._document = document
        self._names.travel = document.policy.thresholds.file_names_travel
        holds = document.policy.scan_mode_for(document.endpoint) == "hold"
        if holds and self._disks is None:
            yield from self._begin(document)
        elif holds and self._disks is not None:
            self._disks.document = document
            self._scans.follow(rules_of(document.policy))
        elif not holds:
            self._trouble = ""
            yield from self._end()

    def _begin(self, document: PolicyDocument) -> Iterator[Fact]:
        tools = self._tools
        assert self._gathering is not None, "asked before its start"
        self._threads = HoldThreads(tools.gate.passing)
        self._scans = tools.scans()
        self._scans.follow(rules_of(document.policy))
        descriptors = (
            tools.devices.open(),  # first: whatever comes from here on is heard of
            self._threads.fileno(),
            self._scans.fileno(),
        )
        for descriptor in descriptors:
            self._gathering.add(descriptor)
        hands = Hands(
            gate=tools.gate,
            threads=self._threads,
            scans=self._scans,
            names=self._names,
            cleared=tools.cleared,
            finds=tools.finds or Finds(),
            identified=self._identified,
            monotonic=tools.monotonic,
            wall_us=tools.wall_us,
        )
        self._seen_at_us = tools.wall_us()
        self._inventory = Inventory()
        self._free: set[str] = set()
        self._usb = HeldUsb(tools.gate)
        disks = HeldDisks(hands, document)
        try:
            yield from self._shut(disks)
            self._trouble = ""
        except NoEbpf as unable:
            self._trouble = (STUCK if tools.gate.stands() else NOT_HELD).format(error=unable)
            self._close()
        except OSError:
            self._give_up(disks)
            raise

    def _shut(self, disks: HeldDisks) -> Iterator[Fact]:
        """Raises NoEbpf."""
        tools = self._tools
        self._inventory.replace(tools.devices.present())
        tools.mounts.open()
        rows = tools.mounts.mounts()
        tools.mounts.close()
        used = {number for row in rows for number in underlying(row.block_device)}
        used |= system_disks(rows)
        media = {disk.path: set(numbers_of(Path(disk.path))) for disk in self._guarded()}
        in_use = {path for path, own in media.items() if used & {one.number for one in own}}
        held = {
            number
            for path, own in media.items()
            for number in own
            if path not in in_use or number.kind != BLOCK
        }
        fresh = tools.gate.shut(frozenset(all_numbers()) - held, cgroup=tools.cgroup)
        self._disks = disks
        self._free = {
            disk.path
            for disk in self._inventory.disks()
            if disk.path in in_use or (disk.path not in media and self._passes(disk))
        }
        found = self._inventory.media()
        for path in in_use & found.keys() if fresh else ():
            yield MediumHeld(medium=found[path], action="released", ground="in_use")
        yield from self._look(disks)

    def _end(self) -> Iterator[Fact]:
        """Also what an earlier run left shut."""
        stood = self._tools.gate.stands()
        if stood:
            self._tools.gate.remove()
        if self._disks is not None:
            yield from self._usb.end("policy")
            yield from self._disks.end("policy")
            self._close()
        elif stood:
            tell_others_of_all()

    def _give_up(self, disks: HeldDisks) -> None:
        disks.give_up()
        self._close()

    def _close(self) -> None:
        self._disks = None
        self._scans.close()
        self._threads.close()
        self._tools.devices.close()
        self._tools.gate.close()

    def _devices_changed(self, disks: HeldDisks) -> Iterator[Fact]:
        try:
            for change in self._tools.devices.changes():
                if change.device.subsystem == "usb":
                    yield from self._usb_changed(change)
                else:
                    self._changed(change, disks)
        except OSError as overrun:
            yield SensorGap(
                sensor=self.name,
                cause="overrun",
                from_us=self._seen_at_us,
                to_us=self._tools.wall_us(),
                detail=f"device events: {overrun.strerror}",
            )
            yield from self._look(disks)

    def _usb_changed(self, change: DeviceChange) -> Iterator[Fact]:
        if change.action == "remove":
            self._usb.vanished(change.device.path)
        else:
            yield from self._usb.appeared(change.device)

    def _changed(self, change: DeviceChange, disks: HeldDisks) -> None:
        device = change.device
        if not self._is_guarded(device):
            return
        self._inventory.apply(change)
        if change.action != "remove":
            self._appeared(device.disk_path, disks)
            return
        self._tools.gate.forget(DeviceNumber(BLOCK, device.number))
        if device.devtype == "disk":
            self._free.discard(device.path)
            disks.vanished(device.path)

    def _look(self, disks: HeldDisks) -> Iterator[Fact]:
        """At everything that is there now."""
        there = list(self._tools.devices.present())
        present = [device for device in there if self._is_guarded(device)]
        gone = {disk.path for disk in self._inventory.disks()} - {one.path for one in present}
        self._inventory.replace(present)
        for path in gone:
            self._free.discard(path)
            disks.vanished(path)
        for device in present:
            if device.devtype == "disk":
                self._appeared(device.path, disks)
        usb = [device for device in there if device.subsystem == "usb"]
        for path in set(self._usb.paths()) - {device.path for device in usb}:
            self._usb.vanished(path)
        for device in usb:
            yield from self._usb.appeared(device)

    def _appeared(self, path: str, disks: HeldDisks) -> None:
        device = self._inventory.device(path)
        if device is None:
            return
        if path in self._free or bus_of(_with_bus(device)) not in GUARDED_BUSES:
            self._let_go(path)
            return
        disks.appeared(path, released=self._passes(device))

    def _let_go(self, path: str) -> None:
        """It is no medium, or was in use before."""
        for number in numbers_of(Path(path)):
            if number.kind == BLOCK:
                self._tools.gate.allow(number)
        if path not in self._free:
            self._free.add(path)
            tell_others(Path(path))

    def _guarded(self) -> list[Device]:
        return [
            disk
            for disk in self._inventory.disks()
            if self._is_guarded(disk) and bus_of(_with_bus(disk)) in GUARDED_BUSES
        ]

    def _passes(self, disk: Device) -> bool:
        return self._tools.gate.allows(DeviceNumber(BLOCK, disk.number))

    def _is_guarded(self, device: Device) -> bool:
        return device.subsystem == "block" and self._tools.gate.guards(
            DeviceNumber(BLOCK, device.number)
        )

    def _identified(self, path: str, opened: OpenedDisk | None) -> Medium | None:
        for device in self._tools.devices.present() if opened else ():
            assert opened is not None
            if device.disk_path == path and device.subsystem == "block":
                told = opened.properties.get(device.node, {})
                known = msgspec.structs.replace(device, properties={**device.properties, **told})
                self._inventory.apply(DeviceChange("change", known))
        return self._inventory.media().get(path)

    def _asked_to_release(self) -> Iterator[Fact]:
        if self._watch is None or not self._watch.drain():
            return
        for path, request in self._requests.waiting():
            if request is None:
                answer(path, "the request cannot be read")
            elif self._disks is None:
                answer(path, self._trouble or NOT_ASKED_FOR)
            else:
                yield from self._emergency(self._disks, request, partial(answer, path))

    def _emergency(
        self, disks: HeldDisks, request: EmergencyRelease, told: Answer
    ) -> Iterator[Fact]:
        released = list(self._usb.emergency(request))
        if released:
            told(f"{request.medium}: released")
            yield from released
        else:
            yield from disks.emergency(request, told)


def _with_bus(device: Device) -> Device:
    """The bus of a disk on a hot-plug port is told by udev, which may not look at it."""
    if "/ata" not in device.path or "ID_BUS" in device.properties:
        return device
    return msgspec.structs.replace(device, properties={**device.properties, "ID_BUS": "ata"})
