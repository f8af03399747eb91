"""The media sensor on the real kernel, with devices as a test says."""

import select
import time
from pathlib import Path
from typing import TypeVar

from agent.media.devices import Ancestor, Device
from agent.media.engine import Engine
from agent.media.quarantine import Finds
from agent.media.receipting import Receipts
from agent.sensors.media import MediaSensor
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.mounts import ProcMountTable
from agent.system.scan_threads import ScanThreads
from checks.facts import Fact
from checks.facts.media import MediumDetached
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.loopdev import LoopDevice
from tests.udev_recordings import RecordedDevices, disk

USB = Ancestor(subsystem="usb", devtype="usb_device", name="2-1")
PATIENCE = 20.0
F = TypeVar("F", bound=Fact)


class Watching:
    """The sensor with the loop's part played by `until`."""

    def __init__(
        self,
        address: str,
        receipts: Receipts | None = None,
        policy: str = "",
        finds: Finds | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.devices = RecordedDevices()
        engine = engine or Clamd(ScannerSettings(address), sockets=())
        self.sensor = MediaSensor(
            devices=self.devices,
            mounts=ProcMountTable(),
            scans=lambda: ScanThreads(engine, receipts),
            salt=b"salt",
            monotonic=time.monotonic,
            wall_us=lambda: time.time_ns() // 1000,
            finds=finds,
        )
        document = PolicyDocument(
            issued_at_us=0, policy=parse_policy(policy), endpoint=Endpoint(id="e")
        )
        self.facts: list[Fact] = []
        self._descriptors = self.sensor.start(document)
        self.facts += self.sensor.heal()

    def plug(self, loop: LoopDevice, serial: str = "S1") -> Device:
        device = disk(
            Path(loop.node).name,
            USB,
            ID_SERIAL_SHORT=serial,
            ID_FS_TYPE="ext4",
            ID_BUS="usb",
            number=loop.number,
        )
        self.devices.happens("add", device)
        return device

    def unplug(self, device: Device) -> None:
        self.devices.happens("remove", device)
        self.until(MediumDetached, since=len(self.facts))

    def until(self, kind: type[F], since: int = 0, **expected: object) -> F:
        """Runs the loop until a fact of this kind with these fields came."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for fact in self.facts[since:]:
                if isinstance(fact, kind) and all(
                    getattr(fact, name) == value for name, value in expected.items()
                ):
                    return fact
            self.turn()
        raise AssertionError(f"no {kind.__name__} {expected} in {self.facts[since:]}")

    def turn(self, longest: float = 0.5) -> None:
        deadline = self.sensor.deadline()
        left = longest if deadline is None else min(longest, max(0, deadline - time.monotonic()))
        select.select(self._descriptors, [], [], left)
        self.facts += self.sensor.wake()

    def of(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]
