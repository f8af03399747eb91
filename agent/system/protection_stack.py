"""Puts the sensors of the endpoint's own protection together."""

from pathlib import Path

from agent.detections import OwnFinds
from agent.protection import LogPlaces
from agent.sensors.antivirus import AntivirusSensor
from agent.sensors.base import Sensor
from agent.sensors.detections import DetectionSensor


def protection_sensors(salt: bytes, memory: Path | None, finds: OwnFinds) -> tuple[Sensor, ...]:
    """What protects this machine and what it finds; `finds` are those of our own scans."""
    logs = LogPlaces()
    return (AntivirusSensor(logs), DetectionSensor(logs, finds, salt=salt, state=memory))
