"""The sensor of the intranet's witness, with files as they are on a disk."""

import select
from pathlib import Path

from agent.answers import AGAIN_AFTER, Answers
from agent.sensors.intranet import MEMORY, IntranetSensor
from agent.transport import Path as Between
from checks.facts.connections import Egress, Gateway
from checks.facts.witness import IntranetWitness
from checks.policy import Endpoint, PolicyDocument, parse_policy

NOW_US = 1_795_000_000_000_000
POLICY = parse_policy(
    """
[[zones]]
name = "ward"
prefixes = ["10.20.0.0/16"]
via = [{ interface = "wired", gateway = "10.20.0.1" }]
"""
)
DOCUMENT = PolicyDocument(issued_at_us=1, policy=POLICY, endpoint=Endpoint(id="pc"))
GATEWAY = Gateway(address="10.20.0.1", mac="02:00:00:00:00:01")
WAY = Egress(
    interface="eno1",
    kind="wired",
    gateway=GATEWAY.address,
    gateway_mac=GATEWAY.mac,
    link_gateways=(GATEWAY,),
)
ALONG = Between("10.20.3.4", "10.20.200.1")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def sensor(answers: Answers, state: Path, way: Egress | None = WAY) -> IntranetSensor:
    made = IntranetSensor(
        answers, state, way_between=lambda _local, _peer: way, wall_us=lambda: NOW_US
    )
    made.start(DOCUMENT)
    return made


def test_an_answer_makes_a_witness_that_outlives_a_restart(tmp_path):
    answers = Answers(monotonic=Clock())
    first = sensor(answers, tmp_path)
    answers.came_along(ALONG)

    told = list(first.wake())
    again = list(sensor(answers, tmp_path).heal())

    assert told == [IntranetWitness(gateways=(GATEWAY,), last_answer_us=NOW_US)]
    assert again == told


def test_nothing_is_said_before_the_first_answer_and_by_an_answer_without_a_link(tmp_path):
    answers = Answers(monotonic=Clock())
    lost = sensor(answers, tmp_path, way=None)
    answers.came_along(ALONG)

    assert list(lost.wake()) == []
    assert list(lost.heal()) == []


def test_a_torn_memory_is_set_aside_and_begins_anew(tmp_path):
    (tmp_path / MEMORY).write_text('{"gateways": [')

    known = sensor(Answers(monotonic=Clock()), tmp_path)

    assert list(known.heal()) == []
    assert (tmp_path / f"{MEMORY}.broken").exists()


def test_the_mailbox_rings_for_a_new_path_and_for_the_same_one_only_after_a_while():
    clock = Clock()
    answers = Answers(monotonic=clock)

    def rings(path: Between) -> bool:
        answers.came_along(path)
        rang = bool(select.select([answers], [], [], 0)[0])
        return rang and answers.take() == path

    assert rings(ALONG)
    assert not rings(ALONG)
    assert rings(Between("10.20.3.5", "10.20.200.1"))
    assert not rings(Between("10.20.3.5", "10.20.200.1"))
    clock.now += AGAIN_AFTER
    assert rings(Between("10.20.3.5", "10.20.200.1"))
