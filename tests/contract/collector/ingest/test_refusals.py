"""What was refused, written down within bounds."""

import pytest

from collector.ingest import refusals as room
from collector.ingest.refusals import Refusals
from collector.journal import SqlJournal
from collector.metrics import Metrics
from collector.problems import Refused, problem
from collector.queries.overview import refusals as listed
from collector.store import schema
from collector.store.engine import open_journal

REFUSED = Refused(problem("wrong-signature", "Wrong", status=401, detail="altered"))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def refusals(journal, metrics, clock) -> Refusals:
    return Refusals(journal.writer, metrics.refusals, now=clock.seconds)


def settled(journal):
    """All that was submitted before is written when this returns."""
    journal.writer.submit(lambda page: None).result()
    return listed(journal.engine)


def test_a_refusal_is_kept_with_who_claimed_to_be_what(refusals, journal, clock):
    refusals.record(REFUSED, agent="pc1", remote="10.20.9.9")

    (kept,) = settled(journal)
    assert (kept.agent, kept.remote, kept.problem) == ("pc1", "10.20.9.9", "wrong-signature")
    assert (kept.detail, kept.at_us) == ("altered", clock.us)


def test_the_same_again_is_counted_each_time_and_written_once_in_ten_seconds(
    refusals, journal, metrics, clock
):
    for second in (0.0, 5.0, 9.9, 10.0):
        clock.s = second
        refusals.record(REFUSED, agent="pc1", remote="10.20.9.9")

    assert len(settled(journal)) == 2
    assert 'problem="wrong-signature"} 4.0' in metrics.text().decode()


def test_another_sender_or_problem_is_written_at_once(refusals, journal):
    other = Refused(problem("too-large", "Too large", status=413))
    refusals.record(REFUSED, agent="pc1", remote="10.20.9.9")
    refusals.record(REFUSED, agent="pc1", remote="10.20.9.8")
    refusals.record(REFUSED, agent="pc2", remote="10.20.9.9")
    refusals.record(other, agent="pc1", remote="10.20.9.9")

    assert len(settled(journal)) == 4


def test_only_the_newest_are_kept(refusals, journal, monkeypatch):
    monkeypatch.setattr(room, "KEPT", 3)
    for number in range(5):
        refusals.record(REFUSED, agent=f"pc{number}", remote="r")

    assert [kept.agent for kept in settled(journal)] == ["pc4", "pc3", "pc2"]


def test_what_is_remembered_of_strangers_is_bounded(refusals, journal, monkeypatch):
    monkeypatch.setattr(room, "SENDERS_REMEMBERED", 2)
    for name in ("a", "b", "c"):
        refusals.record(REFUSED, agent=name, remote="r")

    assert len(refusals._written) == 1
    assert len(settled(journal)) == 3


def test_a_hostile_name_is_cut_and_made_printable(refusals, journal):
    refusals.record(REFUSED, agent="pc\x1b[2J\n" + "x" * 500, remote="r")

    (kept,) = settled(journal)
    assert kept.agent.startswith("pc?[2J?x")
    assert len(kept.agent) == 64


def test_nothing_is_raised_while_the_collector_stops(tmp_path, metrics, clock):
    engine = open_journal(tmp_path)
    schema.journal.create_all(engine)
    journal = SqlJournal(engine, clock=clock)
    journal.start()
    journal.close()

    Refusals(journal.writer, metrics.refusals).record(REFUSED, agent="pc1", remote="r")

    assert listed(engine) == []
    engine.dispose()
