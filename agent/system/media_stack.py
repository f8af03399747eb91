"""The media room put together on this machine."""

import time
from pathlib import Path

from agent.detections import OwnFinds
from agent.media.holding import Cleared
from agent.media.progress import ScansUnderWay
from agent.media.quarantine import Finds
from agent.media.receipting import Receipts
from agent.scan_claims import claimants
from agent.sensors.base import Sensor
from agent.sensors.holding import HoldSensor, Tools
from agent.sensors.keyboards import KeyboardSensor
from agent.sensors.media import MediaSensor
from agent.sensors.quarantine import QuarantineSensor
from agent.system.clamd import ScannerSettings
from agent.system.engines import engine_of
from agent.system.hold_gate import HoldGate
from agent.system.mounts import ProcMountTable
from agent.system.overheard_engine import OverheardEngine
from agent.system.quarantine_store import NO_ROOM, QuarantineStore, Room
from agent.system.scan_threads import ScanThreads
from agent.system.udev import INPUT, STORAGE, UdevDevices

__all__ = ["ScannerSettings", "media_sensors"]


def media_sensors(  # noqa: PLR0913 - what the parts of the room are made of, by name
    *,
    scanner: ScannerSettings,
    salt: bytes,
    memory: Path | None,
    receipts: Receipts | None = None,
    under_way: ScansUnderWay | None = None,
    finds: OwnFinds | None = None,
    room: Room = NO_ROOM,
) -> tuple[Sensor, ...]:
    """`salt` is the endpoint's own secret that file names are hashed with.  Without a
    `memory` folder nothing is held, only watched; without `receipts` every medium is scanned
    whole.  `under_way` is told of the scans that run, `finds` of the
    malware in them; `room` is what infected files may take.
    """
    engine = engine_of(scanner)
    engine = OverheardEngine(engine, finds) if finds else engine
    cleared = Cleared()
    suspects = Finds()

    def scans(who: str) -> ScanThreads:
        threads = ScanThreads(engine, receipts)
        if under_way is not None:
            under_way.follow(who, threads.under_way)
        return threads

    devices = UdevDevices()
    sensor = MediaSensor(
        devices=devices,
        kernel=None if devices.degraded() else UdevDevices(udevd=False, only=STORAGE),
        mounts=ProcMountTable(),
        scans=lambda: scans("media"),
        salt=salt,
        monotonic=time.monotonic,
        wall_us=lambda: time.time_ns() // 1000,
        cleared=cleared,
        finds=suspects,
        own_scans=lambda: claimants(memory) if memory else frozenset(),
    )
    if memory is None:
        return (sensor,)
    tools = Tools(
        devices=UdevDevices(udevd=False),
        mounts=ProcMountTable(),
        gate=HoldGate(),
        scans=lambda: scans("holding"),
        cleared=cleared,
        state=memory,
        salt=salt,
        monotonic=time.monotonic,
        wall_us=lambda: time.time_ns() // 1000,
        finds=suspects,
    )
    quarantine = QuarantineSensor(
        suspects,
        QuarantineStore(memory, room),
        state=memory,
        salt=salt,
        wall_us=lambda: time.time_ns() // 1000,
    )
    keyboards = KeyboardSensor(UdevDevices(only=INPUT), memory)
    # The quarantine before those that scan: it says whether their finds are wanted.
    return (quarantine, HoldSensor(tools), sensor, keyboards)
