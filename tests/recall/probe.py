"""The product as one process in the namespace it was started in: every sensor of the network,
and the agent's own judgement.  Each check that fails is one line of JSON.

It runs in a process namespace of its own: else a proxy in the environment of any program of
this machine, or a remote tool that somebody runs, would be an alarm of the ward (EXT-07, EXT-08).

Usage: python -m tests.recall.probe POLICY.toml ROOT_FOLDER
"""

import selectors
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.name_cache import NameCache
from agent.reactions import Judgement
from agent.sensors.base import Sensor
from agent.sensors.connections import ConnectionSensor
from agent.sensors.forwarding import ForwardingSensor
from agent.sensors.names import NamesSensor
from agent.sensors.network import NetworkSensor
from agent.sensors.proxies import ProxySensor
from agent.sensors.radios import RadioSensor
from agent.sensors.remote_tools import RemoteToolSensor
from checks.check import discover
from checks.facts import Fact
from checks.finding import Outcome
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.sensor_probe import overdue, patience

READY = "ready\n"


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A check that failed."""

    rule: str
    subject: str
    count: int


def main() -> None:
    policy = parse_policy(Path(sys.argv[1]).read_text("utf-8"))
    document = PolicyDocument(issued_at_us=0, policy=policy, endpoint=Endpoint(id="probe"))
    judgement = Judgement(discover(), document)
    sensors = _sensors(Path(sys.argv[2]))
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    for sensor in sensors:
        for descriptor in sensor.start(document):
            selector.register(descriptor, selectors.EVENT_READ, sensor)
        _judge(judgement, sensor.heal())
    print(READY, end="", flush=True)
    while True:
        ready = selector.select(patience(sensors))
        if any(key.fileobj is sys.stdin for key, _ in ready):
            break
        woken = {key.data for key, _ in ready} | set(overdue(sensors))
        for sensor in sensors:
            if sensor in woken:
                _judge(judgement, sensor.wake())
    for sensor in sensors:
        sensor.stop()


def _sensors(root: Path) -> tuple[Sensor, ...]:
    """Files of this machine's own (proxies, name servers) are replaced by a folder of the ward."""
    names = NameCache()
    connections = ConnectionSensor(names=names)
    return (
        NetworkSensor(),
        ForwardingSensor(),
        RadioSensor(),
        NamesSensor(names, connections.began, root=root),
        connections,
        ProxySensor(names, root=root),
        RemoteToolSensor(),
    )


def _judge(judgement: Judgement, facts: Iterable[Fact]) -> None:
    for fact in facts:
        for verdict in judgement.verdicts(fact, time.time_ns() // 1000):
            if verdict.outcome is Outcome.FAIL and verdict.finding:
                found = verdict.finding
                alarm = Alarm(rule=verdict.rule, subject=found.subject, count=found.count)
                print(msgspec.json.encode(alarm).decode(), flush=True)


if __name__ == "__main__":
    main()
