"""Runs the network sensors alone, in the namespace it was started in, and prints each
fact as one line of JSON with the moment it was known.  `wait=N` on standard input ends it.

Usage: python -m tests.sensor_probe POLICY.toml
"""

import selectors
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.sensors.base import Sensor, SensorUnavailable
from agent.system.network_stack import network_sensors
from checks.facts import Fact
from checks.policy import Endpoint, PolicyDocument, parse_policy


def main() -> None:
    policy = parse_policy(Path(sys.argv[1]).read_text("utf-8"))
    document = PolicyDocument(issued_at_us=0, policy=policy, endpoint=Endpoint(id="probe"))
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    sensors: list[Sensor] = []
    off: list[str] = []
    for sensor in network_sensors():
        try:
            descriptors = sensor.start(document)
        except SensorUnavailable as unavailable:
            off.append(f"{sensor.name} is off: {unavailable}")
            continue
        sensors.append(sensor)
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ, sensor)
        tell(sensor.heal())
    reasons = [sensor.degraded() for sensor in sensors] + off
    print('{"ready":' + msgspec.json.encode(reasons).decode() + "}", flush=True)
    while True:
        ready = selector.select(patience(sensors))
        if any(key.fileobj is sys.stdin for key, _ in ready):
            break
        woken = {key.data for key, _ in ready} | set(overdue(sensors))
        for sensor in sensors:
            if sensor in woken:
                tell(sensor.wake())
    usage = time.process_time()
    print(msgspec.json.encode({"cpu_seconds": usage}).decode(), flush=True)
    for sensor in sensors:
        sensor.stop()


def patience(sensors: Iterable[Sensor]) -> float | None:
    times = [at for sensor in sensors if (at := sensor.deadline()) is not None]
    return max(0.0, min(times) - time.monotonic()) if times else None


def overdue(sensors: Iterable[Sensor]) -> Iterable[Sensor]:
    now = time.monotonic()
    return (s for s in sensors if (at := s.deadline()) is not None and at <= now)


def tell(facts: Iterable[Fact]) -> None:
    lines = []
    for fact in facts:
        known_us = str(time.time_ns() // 1000).encode()
        lines.append(b'{"known_us":' + known_us + b',"fact":' + msgspec.json.encode(fact) + b"}\n")
        if len(lines) >= 500:
            sys.stdout.buffer.write(b"".join(lines))
            lines = []
    sys.stdout.buffer.write(b"".join(lines))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
