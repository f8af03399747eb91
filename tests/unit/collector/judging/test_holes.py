import pytest

from checks.facts.health import AgentHealth, AgentStarted, AgentStopping, SensorGap, SensorHealth
from checks.policy import Endpoint
from checks.wire import PROTOCOL, Batch, ReadBatch
from collector.judging.holes import (
    ended_by_hearing,
    is_whole,
    lost_sequences,
    not_started,
    told_by,
    unannounced_boot,
)
from collector.judging.records import EndpointRecord, Hole
from tests.fakes.batches import health, observation


def read(first: int, last: int, *sequences: int) -> ReadBatch:
    seen = tuple(observation(n, health(), at_us=n * 10) for n in sequences)
    return ReadBatch(
        batch=Batch(
            protocol=PROTOCOL,
            agent="a",
            machine="m",
            first=first,
            last=last,
            previous="",
            sent_at_us=1000,
            observations=seen,
        )
    )


def record(*, last_sequence: int = 0, last_at_us: int = 0, boot: str = "b") -> EndpointRecord:
    return EndpointRecord(
        registered=Endpoint(id="a"),
        last_sequence=last_sequence,
        last_at_us=last_at_us,
        boot=boot,
    )


def lost(batch: ReadBatch, known: EndpointRecord) -> list[tuple[int, int, int]]:
    return [(hole.from_us, hole.to_us, hole.lost) for hole in lost_sequences(batch, known)]


@pytest.mark.parametrize(
    ("batch", "last", "whole"),
    [
        (read(1, 2, 1, 2), 0, True),
        (read(3, 4, 3, 4), 2, True),
        (read(3, 5, 3, 5), 2, False),
        (read(4, 4, 4), 2, False),
    ],
)
def test_a_batch_is_whole_when_it_follows_and_misses_nothing(batch, last, whole):
    assert is_whole(batch, last) is whole


def test_missing_sequences_lie_between_their_neighbours():
    known = record(last_sequence=2, last_at_us=20)

    assert lost(read(5, 9, 5, 6, 9), known) == [(20, 50, 2), (60, 90, 2)]


def test_sequences_missing_at_the_end_last_until_the_batch_was_sent():
    assert lost(read(1, 4, 1, 2), record()) == [(20, 1000, 2)]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [("shutdown", "off"), ("suspend", "asleep"), ("stopped", "stopped"), ("upgrade", "upgrade")],
)
def test_a_goodbye_opens_a_hole_with_its_reason(reason, cause):
    assert list(told_by(AgentStopping(reason=reason), "a", 70, {})) == [
        Hole(agent="a", sensor="*", from_us=70, cause=cause)
    ]


@pytest.mark.parametrize(
    ("end", "causes"),
    [("killed", ["killed"]), ("reboot", ["power_cut"]), ("goodbye", []), ("first", [])],
)
def test_a_start_tells_how_the_last_run_ended(end, causes):
    started = AgentStarted(
        version="1", host="h", system="s", machine="m", previous_end=end, previous_seen_us=40
    )

    told = list(told_by(started, "a", 70, {}))

    assert [(hole.cause, hole.from_us, hole.to_us) for hole in told] == [
        (cause, 40, 70) for cause in causes
    ]


def test_whoever_speaks_is_watched_again_whatever_his_clock_says():
    lasting = {("a", "*"): not_started("a", 500)}

    assert [hole.to_us for hole in ended_by_hearing("a", 70, lasting)] == [501]
    assert list(ended_by_hearing("b", 70, lasting)) == []


def test_a_boot_that_nobody_announced_is_a_hole():
    assert [
        (hole.from_us, hole.to_us, hole.cause)
        for hole in unannounced_boot(record(last_at_us=20), 90)
    ] == [(20, 90, "reboot")]
    assert list(unannounced_boot(record(boot=""), 90)) == []


def test_a_sensor_that_stays_off_opens_one_hole_and_degraded_is_none():
    off = SensorHealth(name="net", state="off", reason="no root", since_us=30)
    told = AgentHealth(
        version="1", policy_version=1, sensors=(off, SensorHealth(name="usb", state="degraded"))
    )
    [hole] = told_by(told, "a", 70, {})

    assert (hole.sensor, hole.from_us, hole.cause, hole.detail) == ("net", 30, "off", "no root")
    assert list(told_by(told, "a", 90, {("a", "net"): hole})) == []


def test_a_gap_is_a_hole_of_its_sensor_and_never_empty():
    gap = SensorGap(sensor="net", cause="overrun", from_us=50, to_us=40, lost=3)

    [hole] = told_by(gap, "a", 70, {})

    assert (hole.sensor, hole.from_us, hole.to_us, hole.lost) == ("net", 50, 51, 3)
