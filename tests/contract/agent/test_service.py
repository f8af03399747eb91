"""The whole agent in a process of its own, against a real HTTPS server."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.health import STATUS_FILE
from checks.facts.health import AgentHealth, AgentStarted, AgentStopping
from checks.facts.media import MediumDetached
from tests.support.live import until
from tests.support.recording_collector import RecordingCollector
from tests.support.spools import fact

ROOT = Path(__file__).parents[3]


class Agent:
    def __init__(self, tmp_path: Path, collector) -> None:
        self.state = tmp_path / "state"
        self.fifo = tmp_path / "facts"
        self.collector = collector
        collector.enrol_directly(self.state)
        os.mkfifo(self.fifo)
        self.feed = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        self.log = (tmp_path / "log").open("wb")
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.support.scripted_agent", self.state, self.fifo]
        started = subprocess.Popen(
            command, cwd=ROOT, stderr=self.log, env={**os.environ, **environment}
        )
        self.running.append(started)
        return started

    def see(self, key: str) -> None:
        os.write(self.feed, f"{key}\n".encode())

    def heard(self, kind: type, count: int = 1) -> bool:
        def enough(_recorded: object) -> bool:
            return sum(isinstance(f, kind) for f in self.collector.facts()) >= count

        return self.collector.wait_until(enough)

    def all_of(self, kind: type) -> list[object]:
        return [f for f in self.collector.facts() if isinstance(f, kind)]

    def end_processes(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()

    def close(self) -> None:
        self.end_processes()
        os.close(self.feed)
        self.log.close()


@pytest.fixture
def agent(tmp_path, collector) -> Iterator[Agent]:
    made = Agent(tmp_path, collector)
    yield made
    made.close()


def test_it_says_that_it_started_what_it_saw_and_that_it_stops(agent):
    process = agent.start()
    agent.see("a")
    assert agent.heard(MediumDetached)
    process.terminate()

    assert process.wait(10) == 0
    facts = agent.collector.facts()
    assert isinstance(facts[0], AgentStarted)
    assert (facts[0].previous_end, facts[0].changed) == ("first", ())
    assert fact("a") in facts
    assert facts[-1] == AgentStopping(reason="stopped")


def test_a_clean_end_is_known_at_the_next_start(agent):
    process = agent.start()
    assert agent.heard(AgentStarted)
    process.terminate()
    process.wait(10)
    agent.start()
    assert agent.heard(AgentStarted, 2)

    assert [s.previous_end for s in agent.all_of(AgentStarted)] == ["first", "goodbye"]


def test_a_kill_is_known_at_the_next_start(agent):
    process = agent.start()
    assert agent.heard(AgentHealth, 2)
    process.kill()
    process.wait()
    agent.start()
    assert agent.heard(AgentStarted, 2)

    assert [s.previous_end for s in agent.all_of(AgentStarted)] == ["first", "killed"]


def test_an_edited_policy_is_known_at_the_next_start_and_fetched_anew(agent):
    process = agent.start()
    assert agent.heard(AgentHealth, 2)
    process.terminate()
    process.wait(10)
    policy = agent.state / "policy.json"
    policy.write_bytes(policy.read_bytes().replace(b"A", b"B", 3))
    agent.start()
    assert agent.heard(AgentStarted, 2)

    assert agent.all_of(AgentStarted)[1].changed == ("policy",)
    assert agent.collector.wait_until(lambda recorded: recorded.policies_served == 2)


def test_a_removal_announced_by_the_package_is_told_as_one(agent):
    process = agent.start()
    assert agent.heard(AgentStarted)
    (agent.state / "planned-end").write_text("removed\n")
    process.terminate()
    process.wait(10)

    assert agent.collector.facts()[-1] == AgentStopping(reason="removed")


def test_without_the_collector_everything_waits_and_leaves_later(agent, collector):
    collector.close()
    process = agent.start()
    until((agent.state / STATUS_FILE).exists, seconds=20, told="the agent runs")
    agent.see("a")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.terminate()
    assert process.wait(10) == 0

    back = RecordingCollector(collector.authority, port=collector.port)
    back.agent_key, back.key = collector.agent_key, collector.key
    agent.collector = back
    try:
        agent.start()
        assert agent.heard(AgentStarted, 2)
        assert fact("a") in back.facts()
        assert AgentStopping(reason="stopped") in back.facts()
        assert back.recorded.faults == []
        sequences = [o.sequence for b in back.recorded.batches for o in b.observations]
        assert sequences == list(range(1, len(sequences) + 1))
    finally:
        agent.end_processes()
        back.close()


def test_the_service_manager_hears_ready_alive_and_stopping(agent, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(10)
        process = agent.start(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="400000")
        words = []
        while "READY=1" not in words or words.count("WATCHDOG=1") < 3:
            words.append(listener.recv(4096).decode())
        process.terminate()
        process.wait(10)
        while "STOPPING=1" not in words:
            words.append(listener.recv(4096).decode())

    assert any(word.startswith("STATUS=") for word in words)


def test_its_status_can_be_asked_for(agent):
    agent.start()
    assert agent.heard(AgentHealth, 2)
    ask = [sys.executable, "-m", "agent", "status", "--json", "--state-dir", str(agent.state)]

    told = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=False)

    assert told.returncode == 0
    answer = json.loads(told.stdout)
    assert answer["running"] is True
    assert answer["policy_version"] == 1
    assert [s["name"] for s in answer["sensors"]] == [
        "containment",
        "scripted",
        "intranet",
        "beacon",
        "board",
    ]


def test_a_second_agent_on_the_same_folder_is_refused(agent):
    agent.start()
    assert agent.heard(AgentStarted)

    second = agent.start()

    assert second.wait(10) == 2


def test_an_interrupt_from_the_keyboard_is_a_clean_end(agent):
    process = agent.start()
    assert agent.heard(AgentStarted)
    process.send_signal(signal.SIGINT)

    assert process.wait(10) == 0
