"""Puts the sensors of the segment together."""

from pathlib import Path

from agent.sensors.base import Sensor
from agent.sensors.history import HistorySensor
from agent.sensors.place import PlaceSensor
from agent.sensors.sightings import SightingsSensor


def segment_sensors(memory: Path | None) -> tuple[Sensor, ...]:
    """Who else is on the segment, where this machine stands, and where it has been.

    `memory` is the folder in which they keep what must outlive them.
    """
    return (SightingsSensor(), PlaceSensor(memory), HistorySensor(memory))
