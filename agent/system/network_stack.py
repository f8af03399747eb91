"""Puts the network sensors together."""

from agent.sensors.base import Sensor
from agent.sensors.connections import ConnectionSensor
from agent.sensors.forwarding import ForwardingSensor
from agent.sensors.network import NetworkSensor
from agent.sensors.radios import RadioSensor


def network_sensors() -> tuple[Sensor, ...]:
    """Everything about links, radios, uplinks and connections, on the real system."""
    return (NetworkSensor(), ForwardingSensor(), RadioSensor(), ConnectionSensor())
