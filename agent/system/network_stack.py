"""Puts the network sensors together."""

from agent.sensors.base import Sensor
from agent.sensors.connections import ConnectionSensor
from agent.sensors.network import NetworkSensor


def network_sensors() -> tuple[Sensor, ...]:
    """Everything about links, uplinks and connections, on the real system."""
    return (NetworkSensor(), ConnectionSensor())
