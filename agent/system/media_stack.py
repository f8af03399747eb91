"""The media room put together on this machine."""

import time

from agent.sensors.base import Sensor
from agent.sensors.media import MediaSensor
from agent.system.clamd import Clamd, ScannerSettings
from agent.system.mounts import ProcMountTable
from agent.system.scan_threads import ScanThreads
from agent.system.udev import UdevDevices

__all__ = ["ScannerSettings", "media_sensors"]


def media_sensors(*, scanner: ScannerSettings, salt: bytes) -> tuple[Sensor, ...]:
    """`salt` is the endpoint's own secret that file names are hashed with."""
    engine = Clamd(scanner)
    sensor = MediaSensor(
        devices=UdevDevices(),
        mounts=ProcMountTable(),
        scans=lambda: ScanThreads(engine),
        salt=salt,
        monotonic=time.monotonic,
        wall_us=lambda: time.time_ns() // 1000,
    )
    return (sensor,)
