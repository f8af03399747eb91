"""kill -9 the real agent and the real collector, 100 times each, while facts flow.

Every fact that the spool accepted is in the collector once, no case is there twice, and no
mail is lost.  Issue 2, lines 4 and 5.
"""

import collections
import os
import random
import signal
import threading

import pytest

from tests.support.live import Agent, Collector, Place, until
from tests.support.peers import mailbox

KILLS = 100
SEED = 20261123
LONGEST_AGENT_LIFE, LONGEST_COLLECTOR_LIFE = 0.8, 2.4
"""Seconds; a start takes about half of it, so that half of the kills hit the start."""
POLICY = '[[mail.recipients]]\naddress = "duty@hospital.example"\nseverity = "notice"\n'


class ScriptedAgent(Agent):
    """The real agent process, its sensors replaced by a FIFO of ours."""

    def __init__(self, folder, collector):
        super().__init__(folder, collector)
        self.fifo = folder / "facts"
        self.module = ("tests.support.scripted_agent", str(folder / "state"), str(self.fifo))
        os.mkfifo(self.fifo)
        self.feed_end = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        self.fed = 0

    def feed(self, *, mounted=False):
        os.write(self.feed_end, f"{self.fed}{'!' if mounted else ''}\n".encode())
        self.fed += 1


@pytest.fixture
def surroundings(tmp_path):
    place = Place()
    with mailbox(place) as mails:
        collector = Collector(tmp_path / "collector", policy=POLICY, settings=mails.settings)
        collector.start()
        agent = ScriptedAgent(tmp_path / "agent", collector)
        yield collector, agent, mails
        agent.end(signal.SIGKILL)
        collector.end(signal.SIGKILL)
        os.close(agent.feed_end)
    place.close()


def observations(collector, **filters):
    found, cursor = [], {}
    while True:
        page = collector.get("/api/v1/observations", limit=200, **filters, **cursor).json()
        found += page["observations"]
        if not page.get("next"):
            return found
        cursor = {"cursor": page["next"]}


def pause(seconds):
    threading.Event().wait(seconds)


def kill_at_random(process_owner, longest, chance, begin):
    for _ in range(KILLS):
        begin()
        pause(chance.uniform(0.0, longest))
        process_owner.end(signal.SIGKILL)
    begin()


@pytest.mark.timeout(900)
def test_a_hundred_kills_of_each_lose_and_double_nothing(surroundings):
    collector, agent, mails = surroundings
    collector.end(signal.SIGKILL)
    loops = [
        threading.Thread(
            target=kill_at_random,
            args=(agent, LONGEST_AGENT_LIFE, random.Random(SEED), agent.start),
        ),
        threading.Thread(
            target=kill_at_random,
            args=(
                collector,
                LONGEST_COLLECTOR_LIFE,
                random.Random(SEED + 1),
                collector.begin,
            ),
        ),
    ]
    for loop in loops:
        loop.start()
    while any(loop.is_alive() for loop in loops):
        agent.feed(mounted=agent.fed % 25 == 0)
        pause(0.02)
    until(collector.ready, seconds=60, told="the collector is back")
    agent.feed(mounted=True)
    last = str(agent.fed - 1)
    until(
        lambda: [o for o in observations(collector, kind="medium_mounted") if key_of(o) == last],
        seconds=90,
        told="the last fact arrived",
    )
    assert agent.end(signal.SIGTERM) == 0
    everything = until(lambda: whole_record(collector), seconds=30, told="the goodbye arrived")

    sequences = sorted(o["sequence"] for o in everything)
    assert sequences == list(range(1, len(sequences) + 1))
    fed = collections.Counter(key_of(o) for o in everything if o["kind"].startswith("medium"))
    assert len(fed) > 500
    assert set(fed.values()) == {1}
    cases = collector.cases()
    subjects = [(case["rule"], case["subject"]) for case in cases]
    assert len(subjects) == len(set(subjects))
    mounted = {key_of(o) for o in everything if o["kind"] == "medium_mounted"}
    assert {case["subject"] for case in cases if case["rule"] == "MED-01"} == mounted
    assert mailed_cases_become(mails, {case["id"] for case in cases})
    assert collector.run("verify").strip().endswith(" 0 faults")


def key_of(observation):
    return observation["fact"]["medium"]["key"]


def newest_key(collector):
    page = collector.get("/api/v1/observations", kind="medium_detached", limit=1).json()
    return key_of(page["observations"][0]) if page["observations"] else ""


def whole_record(collector):
    found = observations(collector)
    return found if any(o["kind"] == "agent_stopping" for o in found) else None


def mailed_cases_become(mails, cases):
    """Every case has its mail; one that was sent twice has one Message-ID."""

    def mailed():
        subjects = collections.defaultdict(set)
        for mail in mails.received():
            body = mail.get_body(("plain",)).get_content()
            for case in cases:
                if case in body:
                    subjects[case].add(mail["Message-ID"])
        return subjects if set(subjects) == cases else None

    found = until(mailed, seconds=120, told="a mail for every case")
    return all(len(message_ids) == 1 for message_ids in found.values())


def test_a_collector_that_was_away_for_an_hour_gets_everything_once_and_in_order(surroundings):
    collector, agent, _ = surroundings
    agent.start().watching("scripted")
    collector.end(signal.SIGTERM)
    for _ in range(3600):
        agent.feed()
        if agent.fed % 100 == 0:
            pause(0.02)  # the FIFO holds 64 kB
    until(lambda: agent.status()["spool"]["waiting"] >= 3600, seconds=60, told="all are spooled")

    collector.start()

    until(
        lambda: newest_key(collector) == "3599",
        seconds=120,
        told="an hour's facts",
    )
    arrived = sorted(observations(collector, kind="medium_detached"), key=lambda o: o["sequence"])
    assert [int(key_of(o)) for o in arrived] == list(range(3600))
    times = [o["at"] for o in arrived]
    assert times == sorted(times)
