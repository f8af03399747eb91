"""The media sensor alone in a process, facts as lines of JSON: what the agent's loop does.

python -m tests.media_watcher SCANNER_ADDRESS
"""

import select
import sys
import time
from collections.abc import Iterable

import msgspec

from agent.system.media_stack import ScannerSettings, media_sensors
from checks.facts import Fact
from checks.policy import Endpoint, PolicyDocument, parse_policy


def main() -> None:
    (sensor,) = media_sensors(
        scanner=ScannerSettings(sys.argv[1]), salt=b"salt of a test", memory=None
    )
    document = PolicyDocument(issued_at_us=0, policy=parse_policy(""), endpoint=Endpoint(id="e"))
    descriptors = sensor.start(document)
    _print(sensor.heal())
    print('{"kind": "ready"}', flush=True)
    while True:
        deadline = sensor.deadline()
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        select.select([*descriptors, 0], [], [], left)
        if select.select([0], [], [], 0)[0] and not sys.stdin.readline():
            break
        _print(sensor.wake())
    sensor.stop()


def _print(facts: Iterable[Fact]) -> None:
    for fact in facts:
        line = msgspec.json.encode({"at": time.time(), "fact": fact})
        print(line.decode(), flush=True)


if __name__ == "__main__":
    main()
