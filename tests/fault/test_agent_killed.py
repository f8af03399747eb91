"""kill -9 the real agent at random points while facts flow.

What the spool accepted arrives exactly once and in order.  The collector at the other
end is the recording one; `feed` and `AgentProcess` serve against the real one as well.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.facts.health import AgentStarted
from checks.facts.media import MediumDetached
from tests.support.certificates import make_authority
from tests.support.recording_collector import Recorded, RecordingCollector

KILLS = 100
SEED = 20261122
LONGEST_LIFE = 1.4
"""Between a start and its kill, in times of what a start takes until something arrived."""


class AgentProcess:
    """The agent as a process of its own, fed through a FIFO that outlives it."""

    def __init__(self, state: Path, fifo: Path) -> None:
        self._command = [sys.executable, "-m", "tests.support.scripted_agent", state, fifo]
        self._log = (state / "agent.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stderr=self._log, cwd=Path(__file__).parents[2]
        )

    def wait(self, seconds: float) -> bool:
        """Whether it ended by itself within that time."""
        assert self._process
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        assert self._process
        self._process.terminate()
        return self._process.wait(10)

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self.kill()
        self._log.close()


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[RecordingCollector]:
    running = RecordingCollector(make_authority(tmp_path / "ca"))
    yield running
    running.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    path = tmp_path / "facts"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    yield path, descriptor
    os.close(descriptor)


def fed_keys(recorded: Recorded) -> list[int]:
    return [
        int(observation.fact.medium.key)
        for batch in recorded.batches
        for observation in batch.observations
        if isinstance(observation.fact, MediumDetached)
    ]


def sequences(recorded: Recorded) -> list[int]:
    return [
        observation.sequence for batch in recorded.batches for observation in batch.observations
    ]


def test_whatever_the_spool_accepted_arrives_once_and_in_order(tmp_path, collector, fifo):
    state = tmp_path / "state"
    collector.enrol_directly(state)
    path, feed = fifo
    chance = random.Random(SEED)
    agent = AgentProcess(state, path)
    try:
        begun = time.monotonic()
        agent.start()
        os.write(feed, b"0\n")
        assert collector.wait_until(lambda recorded: 0 in fed_keys(recorded), 30)
        longest = LONGEST_LIFE * (time.monotonic() - begun)
        agent.kill()
        fed = 1
        for _ in range(KILLS):
            agent.start()
            life = chance.uniform(0.0, longest)
            for _ in range(chance.randrange(1, 6)):
                os.write(feed, f"{fed}\n".encode())
                fed += 1
                if agent.wait(life / 5):
                    break
            agent.kill()
        agent.start()
        os.write(feed, f"{fed}\n".encode())
        assert collector.wait_until(lambda recorded: fed in fed_keys(recorded), 20)
        assert agent.end() == 0
    finally:
        agent.close()

    arrived = fed_keys(collector.recorded)
    assert collector.recorded.faults == []
    assert arrived == sorted(set(arrived))
    assert len(arrived) > KILLS
    assert sequences(collector.recorded) == list(range(1, len(sequences(collector.recorded)) + 1))
    ends = [f.previous_end for f in collector.facts() if isinstance(f, AgentStarted)]
    assert set(ends) == {"first", "killed"}
