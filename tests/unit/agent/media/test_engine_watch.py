import pytest

from agent.media.engine_watch import ASK_EVERY, EngineWatch
from checks.facts.media import ScannerState

READY = ScannerState(available=True)
AWAY = ScannerState(available=False, reason="refused")


class Asked:
    """The engine's port and the clock of a test."""

    def __init__(self):
        self.now = 100.0
        self.patience = []
        self.watch = EngineWatch(self.patience.append, lambda: self.now)


@pytest.fixture
def asked():
    return Asked()


def test_before_the_first_question_nothing_is_due(asked):
    asked.watch.ask_if_due()

    assert asked.watch.deadline() is None
    assert asked.patience == []


def test_it_is_asked_again_at_the_slow_beat_and_not_before(asked):
    asked.watch.ask(0.2)
    asked.now += ASK_EVERY - 1
    asked.watch.ask_if_due()
    before = list(asked.patience)
    asked.now += 1
    asked.watch.ask_if_due()

    assert before == [0.2]
    assert asked.patience == [0.2, 0.0]
    assert asked.watch.deadline() == asked.now + ASK_EVERY


def test_an_engine_that_is_wanted_and_away_is_asked_soon_and_each_time_later(asked):
    pauses = []
    for _ in range(7):
        asked.watch.failed()
        pauses.append(asked.watch.deadline() - asked.now)

    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_after_it_was_back_it_is_asked_soon_again(asked):
    asked.watch.failed()
    asked.watch.failed()
    asked.watch.recovered()
    asked.watch.failed()

    assert asked.watch.deadline() == asked.now + 1.0


def test_the_same_answer_is_told_once(asked):
    told = [list(asked.watch.answered(state)) for state in (READY, READY, AWAY, READY)]

    assert told == [[READY], [], [AWAY], [READY]]
    assert asked.watch.state == READY
