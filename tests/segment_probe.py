"""Runs the sensors of the segment alone, in the namespace it was started in, and prints each
fact as one line of JSON, as `tests.sensor_probe` does.

Usage: python -m tests.segment_probe POLICY.toml STATE_FOLDER [SYSFS]
"""

import selectors
import sys
import time
from pathlib import Path

import msgspec

from agent.sensors.base import Sensor
from agent.sensors.place import PlaceSensor
from agent.sensors.sightings import SightingsSensor
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.sensor_probe import overdue, patience, tell


def main() -> None:
    policy = parse_policy(Path(sys.argv[1]).read_text("utf-8"))
    document = PolicyDocument(issued_at_us=0, policy=policy, endpoint=Endpoint(id="probe"))
    sysfs = Path(sys.argv[3]) if len(sys.argv) > 3 else Path("/sys")
    sensors: tuple[Sensor, ...] = (SightingsSensor(sysfs), PlaceSensor(Path(sys.argv[2]), sysfs))
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    for sensor in sensors:
        for descriptor in sensor.start(document):
            selector.register(descriptor, selectors.EVENT_READ, sensor)
        tell(sensor.heal())
    print('{"ready":[]}', flush=True)
    wakes = 0
    while True:
        ready = selector.select(patience(sensors))
        if any(key.fileobj is sys.stdin for key, _ in ready):
            if sys.stdin.readline() != "heal\n":
                break
            for sensor in sensors:
                tell(sensor.heal())
        woken = {key.data for key, _ in ready} | set(overdue(sensors))
        for sensor in sensors:
            if sensor in woken:
                wakes += 1
                tell(sensor.wake())
    used = {"cpu_seconds": time.process_time(), "wakes": wakes}
    print(msgspec.json.encode(used).decode(), flush=True)
    for sensor in sensors:
        sensor.stop()


if __name__ == "__main__":
    main()
