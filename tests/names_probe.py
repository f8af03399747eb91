"""Runs the sensors of names, proxies and remote tools alone, in the namespace it was started
in, and prints each fact as one line of JSON, as `tests.sensor_probe` does.

Usage: python -m tests.names_probe POLICY.toml ROOT_FOLDER
"""

import selectors
import sys
import time
from pathlib import Path

import msgspec

from agent.name_cache import NameCache
from agent.sensors.base import Sensor
from agent.sensors.names import NamesSensor
from agent.sensors.proxies import ProxySensor
from agent.sensors.remote_tools import RemoteToolSensor
from agent.system.attribution import Attribution
from agent.system.processes import Processes
from agent.system.sockdiag import SocketTable
from checks.facts.base import Process, UnknownProcess
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.sensor_probe import overdue, patience, tell


def main() -> None:
    policy = parse_policy(Path(sys.argv[1]).read_text("utf-8"))
    document = PolicyDocument(issued_at_us=0, policy=policy, endpoint=Endpoint(id="probe"))
    root = Path(sys.argv[2])
    attribution, cache = Attribution(SocketTable(), Processes()), NameCache()

    def began(
        protocol: int, local: tuple[bytes, int], remote: tuple[bytes, int]
    ) -> Process | UnknownProcess:
        return attribution.began(protocol, local, remote, now=time.monotonic())

    sensors: tuple[Sensor, ...] = (
        NamesSensor(cache, began, root=root),
        ProxySensor(cache, root=root),
        RemoteToolSensor(),
    )
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    for sensor in sensors:
        for descriptor in sensor.start(document):
            selector.register(descriptor, selectors.EVENT_READ, sensor)
        tell(sensor.heal())
    print('{"ready":[]}', flush=True)
    wakes, began_at = 0, time.process_time()
    while True:
        ready = selector.select(patience(sensors))
        if any(key.fileobj is sys.stdin for key, _ in ready):
            break
        woken = {key.data for key, _ in ready} | set(overdue(sensors))
        for sensor in sensors:
            if sensor in woken:
                wakes += 1
                tell(sensor.wake())
    used = {"cpu_seconds": time.process_time() - began_at, "wakes": wakes}
    print(msgspec.json.encode(used).decode(), flush=True)
    for sensor in sensors:
        sensor.stop()


if __name__ == "__main__":
    main()
