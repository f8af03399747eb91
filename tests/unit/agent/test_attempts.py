"""Attempts told once, then counted."""

import msgspec

from agent.attempts import BREADTH_KEPT, GROUPS_KEPT, Attempts
from checks.facts.base import Process
from tests.samples import connection


def attempt(*, port: int = 443, name: str = "curl"):
    return msgspec.structs.replace(
        connection(),
        answer="none",
        destination_port=port,
        process=Process(pid=7, name=name, executable=f"/usr/bin/{name}", uid=0),
    )


def test_the_first_is_told_at_once_and_the_others_are_counted():
    attempts = Attempts(60.0)

    assert attempts.tell(attempt(), 1.0) == [attempt()]
    assert attempts.tell(attempt(), 2.0) == []
    assert attempts.tell(attempt(), 3.0) == []
    assert attempts.deadline() == 61.0
    assert [fact.flows for fact in attempts.ended(61.0)] == [2]
    assert attempts.deadline() is None


def test_a_process_that_sweeps_is_counted_together_and_no_attempt_is_lost():
    attempts, told = Attempts(60.0), []
    for port in range(1, 1001):
        told += attempts.tell(attempt(port=port), 1.0)
    told += attempts.tell(attempt(port=1, name="other"), 1.0)

    assert len(told) == BREADTH_KEPT + 2
    told += attempts.ended(61.0)
    assert sum(fact.flows for fact in told) == 1001
    assert told[-1].flows == 1000 - BREADTH_KEPT - 1


def test_groups_are_bounded_and_the_oldest_is_told():
    attempts, told = Attempts(60.0), []
    for number in range(GROUPS_KEPT + 9):
        told += attempts.tell(attempt(name=f"p{number}"), 1.0)
        told += attempts.tell(attempt(name=f"p{number}"), 1.0)

    told += attempts.ended(61.0)
    assert sum(fact.flows for fact in told) == 2 * (GROUPS_KEPT + 9)


def test_without_a_window_each_is_told():
    attempts = Attempts(0.0)

    assert [len(attempts.tell(attempt(), 1.0)) for _ in range(3)] == [1, 1, 1]
