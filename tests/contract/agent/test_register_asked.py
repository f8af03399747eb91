"""What the agent asks the register, against a real HTTPS server: asked, kept, used offline."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agent.identity import IdentityFolder
from agent.media.asking import TOGETHER_MOST, Asking
from agent.media.standings import KEPT, SignedStanding, StandingRefused, Standings
from agent.reactions import Judgement
from agent.transport import Transport, TransportDown
from checks.check import discover
from checks.facts.media import MediumMounted, Partition
from checks.facts.media_register import MediumStanding, RegisteredMedium
from checks.finding import Outcome
from checks.policy import Endpoint, PolicyDocument, parse_policy
from tests.samples import STICK
from tests.support.recording_collector import RecordingCollector

LINE = RegisteredMedium(number="R-1", key=STICK.key, owner="ward 3")
KNOWN = MediumStanding(key=STICK.key, entry=LINE)
ONCE = (0.0,)


@pytest.fixture
def identity(state: Path, collector: RecordingCollector):
    collector.enrol_directly(state)
    return IdentityFolder(state).load()


@pytest.fixture
def transport(identity):
    made = Transport(identity, timeout=5, clock=lambda: time.time_ns() // 1000)
    yield made
    made.close()


def asking(transport, standings, *, pauses=ONCE) -> tuple[Asking, threading.Event]:
    answered = threading.Event()
    made = Asking(transport.ask_about, standings, on_answer=lambda _: answered.set(), pauses=pauses)
    return made, answered


def until(holds: Callable[[], bool]) -> bool:
    patience = threading.Event()
    return any(holds() or patience.wait(0.01) for _ in range(500))


def test_the_answer_is_there_and_after_a_restart(state, collector, identity, transport):
    collector.standings[STICK.key] = KNOWN
    standings = Standings(state / "media.json", identity)
    ask, answered = asking(transport, standings)

    ask(STICK)
    assert answered.wait(5)

    assert standings.of(STICK.key) == KNOWN
    again = Standings(state / "media.json", identity)
    assert again.load()
    assert again.of(STICK.key) == KNOWN


def test_an_answer_that_somebody_changed_on_the_disk_is_no_answer(
    state, collector, identity, transport
):
    standings = Standings(state / "media.json", identity)
    collector.standings[STICK.key] = KNOWN
    signed = transport.ask_about(STICK)
    standings.keep(signed)
    changed = msgspec.structs.replace(signed, body=signed.body.replace(b"ward 3", b"ward 9"))
    (state / "media.json").write_bytes(msgspec.json.encode([changed]))

    again = Standings(state / "media.json", identity)

    assert again.load()
    assert again.of(STICK.key) is None


def test_several_threads_keep_answers_at_once(state, collector, identity, transport):
    standings = Standings(state / "media.json", identity)
    collector.standings[STICK.key] = KNOWN
    signed = transport.ask_about(STICK)
    faults = []

    def keep_many():
        try:
            for _ in range(100):
                standings.keep(signed)
        except OSError as fault:
            faults.append(fault)

    threads = [threading.Thread(target=keep_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    again = Standings(state / "media.json", identity)
    assert again.load()
    assert again.of(STICK.key) == KNOWN


def test_a_file_that_is_none_is_begun_anew(state, identity):
    (state / "media.json").write_bytes(b"{")

    assert Standings(state / "media.json", identity).load() is False


@pytest.mark.parametrize("wrong", ["signature", "another medium"])
def test_what_the_collector_did_not_say_about_this_medium_is_refused(
    state, collector, identity, transport, wrong
):
    standings = Standings(state / "media.json", identity)
    collector.standings[STICK.key] = KNOWN
    signed = transport.ask_about(STICK)
    forged = (
        msgspec.structs.replace(signed, signature=bytes(64))
        if wrong == "signature"
        else msgspec.structs.replace(signed, key="k2")
    )

    with pytest.raises(StandingRefused):
        standings.keep(forged)

    assert standings.of(STICK.key) is None


def test_the_newest_answers_are_kept_and_no_more_than_a_few_hundred(
    state, collector, identity, transport
):
    standings = Standings(state / "media.json", identity)
    for number in range(KEPT + 3):
        medium = msgspec.structs.replace(STICK, key=f"k{number}")
        body = msgspec.json.encode(MediumStanding(key=medium.key))
        signed = SignedStanding(key=medium.key, body=body, signature=b"")
        standings._signed[medium.key] = signed  # as if they had come before
    standings.keep(transport.ask_about(msgspec.structs.replace(STICK, key="last")))

    kept = msgspec.json.decode((state / "media.json").read_bytes(), type=list[SignedStanding])

    assert len(kept) == KEPT
    assert kept[-1].key == "last"


def test_a_collector_that_is_away_is_asked_again_and_the_last_answer_counts(
    state, collector, identity, transport
):
    collector.standings[STICK.key] = KNOWN
    standings = Standings(state / "media.json", identity)
    standings.keep(transport.ask_about(STICK))
    attempts: list[float] = []

    def away(_medium):
        attempts.append(time.monotonic())
        raise TransportDown("no route")

    ask = Asking(away, standings, on_answer=lambda _: None, pauses=(0.0, 0.02, 0.02))
    ask(STICK)

    assert until(lambda: len(attempts) == 3)
    assert standings.of(STICK.key) == KNOWN


def test_so_many_media_are_asked_about_together_and_each_only_once(state, identity):
    waiting, go = [], threading.Event()

    def slow(medium):
        waiting.append(medium.key)
        go.wait(5)
        raise TransportDown("too slow")

    standings = Standings(state / "media.json", identity)
    ask = Asking(slow, standings, on_answer=lambda _: None, pauses=ONCE)
    for number in [0, *range(TOGETHER_MOST + 3)]:
        ask(msgspec.structs.replace(STICK, key=f"k{number}"))

    assert until(lambda: len(waiting) == TOGETHER_MOST)
    go.set()
    assert sorted(waiting) == sorted(f"k{number}" for number in range(TOGETHER_MOST))


def test_the_agent_judges_by_what_the_register_said(state, collector, identity, transport):
    collector.standings[STICK.key] = MediumStanding(
        key=STICK.key, entry=msgspec.structs.replace(LINE, departments=("检验科",))
    )
    standings = Standings(state / "media.json", identity)
    standings.keep(transport.ask_about(STICK))
    endpoint = Endpoint(id="agent-1", department="内科")
    document = PolicyDocument(issued_at_us=1, policy=parse_policy(""), endpoint=endpoint)
    mounted = MediumMounted(
        medium=STICK, partition=Partition(device="/dev/sdb1", size=1), mount_point="/media/a"
    )

    def rules(judgement):
        verdicts = judgement.verdicts(mounted, 1_795_000_000_000_000)
        return [verdict.rule for verdict in verdicts if verdict.outcome is Outcome.FAIL]

    assert rules(Judgement(discover(), document)) == ["MED-01"]
    assert rules(Judgement(discover(), document, standing_of=standings.of)) == ["MED-02"]
