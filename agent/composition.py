"""The only place that knows what the agent watches with."""

import time
from collections.abc import Sequence
from pathlib import Path

from agent.assembly import Surroundings
from agent.config import Settings
from agent.detections import OwnFinds
from agent.media.progress import ScansUnderWay
from agent.media.receipting import Receipts
from agent.salt import own_salt
from agent.scanner import scanner_of
from agent.sensors.autoplay import AutoplaySensor
from agent.sensors.base import Sensor
from agent.sensors.hardware import HardwareSensor
from agent.system.desktop import SessionBusDesktop
from agent.system.media_stack import media_sensors
from agent.system.network_stack import network_sensors
from agent.system.protection_stack import protection_sensors
from agent.system.proxy_places import homes
from agent.system.quarantine_store import Room
from agent.system.sdnotify import ServiceManager
from agent.system.segment_stack import segment_sensors


def all_sensors(
    settings: Settings,
    salt: bytes,
    *,
    memory: Path | None = None,
    receipts: Receipts | None = None,
    under_way: ScansUnderWay | None = None,
) -> Sequence[Sensor]:
    """`salt` is what file names are hashed with.  `memory` is the folder in which sensors
    keep what must outlive them; without one each of them begins anew and leaves no trace.
    Without `receipts` every medium is scanned whole.  `under_way` is told of scans that run.
    """
    scanner = scanner_of(settings.scanner)
    finds = OwnFinds(time.monotonic)
    own = settings.quarantine
    return (
        *network_sensors(),
        *segment_sensors(memory),
        *media_sensors(
            scanner=scanner,
            salt=salt,
            memory=memory,
            receipts=receipts,
            under_way=under_way,
            finds=finds,
            room=Room(most=own.limit_bytes, keep_free=own.keep_free_bytes),
        ),
        *protection_sensors(salt, memory, finds),
        HardwareSensor(memory),
        AutoplaySensor(homes),
    )


def production(
    settings: Settings, configuration: Path | None, manager: ServiceManager
) -> Surroundings:
    under_way = ScansUnderWay()
    return Surroundings(
        settings=settings,
        configuration=configuration,
        sensors=lambda receipts: all_sensors(
            settings,
            own_salt(settings.state),
            memory=settings.state,
            receipts=receipts,
            under_way=under_way,
        ),
        under_way=under_way,
        desktop=SessionBusDesktop(),
        manager=manager,
    )
