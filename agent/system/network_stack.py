"""Puts the network sensors together."""

from agent.name_cache import NameCache
from agent.sensors.base import Sensor
from agent.sensors.connections import ConnectionSensor
from agent.sensors.forwarding import ForwardingSensor
from agent.sensors.names import NamesSensor
from agent.sensors.network import NetworkSensor
from agent.sensors.proxies import ProxySensor
from agent.sensors.radios import RadioSensor
from agent.sensors.remote_tools import RemoteToolSensor


def network_sensors() -> tuple[Sensor, ...]:
    """Everything about links, radios, uplinks, connections, names, proxies and programs of
    remote control, on the real system.  The names go first: they know what a connection's
    address was called.
    """
    names = NameCache()
    connections = ConnectionSensor(names=names)
    return (
        NetworkSensor(),
        ForwardingSensor(),
        RadioSensor(),
        NamesSensor(names, connections.began),
        connections,
        ProxySensor(names),
        RemoteToolSensor(),
    )
