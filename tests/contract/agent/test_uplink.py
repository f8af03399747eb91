"""The uplink against a real HTTPS server that fails on script."""

import resource
from collections.abc import Iterator

import pytest

from agent import transport as transport_module
from agent import uplink as uplink_module
from agent.transport import ANSWER_LIMIT, LONGEST_PATIENCE
from agent.uplink import (
    BATCH_OBSERVATIONS,
    FIRST_BACK_OFF,
    LONGEST_BACK_OFF,
    POLICY_RETRY,
    SLOWLY,
    Pause,
    UplinkState,
)
from checks.facts.health import SensorGap
from checks.wire import BATCH_LIMIT_BYTES, BATCH_LIMIT_OBSERVATIONS
from tests.support.certificates import make_authority
from tests.support.recording_collector import RecordingCollector, Reply
from tests.support.spools import fact, record
from tests.support.uplinks import Stage, set_stage

IDLE = Pause(None, for_work=True)


@pytest.fixture
def stage(state, collector) -> Iterator[Stage]:
    made = set_stage(state, collector)
    yield made
    made.transport.close()
    made.spool.close()


def drain(stage: Stage) -> None:
    for _ in range(20):
        if stage.uplink.step() == IDLE:
            return
    raise AssertionError("never idle")


def test_what_was_put_arrives_in_order_and_once(stage, collector):
    stage.spool.put([record("a"), record("b")])
    drain(stage)
    stage.spool.put([record("c")])
    drain(stage)

    assert collector.facts() == [fact("a"), fact("b"), fact("c")]
    assert collector.recorded.faults == []
    assert stage.spool.fill().waiting == 0


def test_a_batch_travels_packed_signed_and_named(stage, collector):
    stage.spool.put([record("a")])
    drain(stage)

    (headers,) = collector.recorded.headers
    assert headers["Wardwatch-Agent"] == "agent-1"
    assert headers["Content-Encoding"] == "zstd"
    assert headers["Content-Type"] == "application/json"


def test_the_policy_is_fetched_at_once_and_again_only_when_it_changed(stage, collector):
    drain(stage)
    collector.set_policy('[hospital]\nname = "A"', version=2)
    stage.spool.put([record("a")])
    drain(stage)
    stage.spool.put([record("b")])
    drain(stage)

    assert [document.policy.version for document in stage.told] == [1, 2]
    assert collector.recorded.policies_served == 2


def test_a_policy_that_is_still_right_is_not_sent_again(stage, collector):
    drain(stage)
    stage.uplink._wanted_policy = '"of another collector"'
    drain(stage)

    assert collector.recorded.policies_served == 1
    assert stage.uplink._wanted_policy is None


def test_a_policy_signed_by_somebody_else_is_refused_and_asked_for_later(stage, collector):
    collector.set_policy("", agent="agent-2")
    drain(stage)
    drain(stage)
    assert stage.told == []
    assert collector.recorded.policies_served == 1

    collector.set_policy("")
    stage.monotonic += POLICY_RETRY
    drain(stage)

    assert [document.endpoint.id for document in stage.told] == ["agent-1"]


def test_a_lost_answer_makes_the_same_bytes_come_again_and_count_once(stage, collector):
    drain(stage)
    collector.recorded.script.append(Reply(0, cut=True))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(FIRST_BACK_OFF, for_work=False)
    stage.spool.put([record("b")])
    drain(stage)

    first, again, _ = collector.recorded.attempts
    assert first == again
    assert collector.facts() == [fact("a"), fact("b")]
    assert collector.recorded.faults == []


def test_failures_in_a_row_wait_longer_and_longer_up_to_a_bound(stage, collector):
    drain(stage)
    collector.recorded.script.extend([Reply(502)] * 12)
    stage.spool.put([record("a")])

    pauses = [stage.uplink.step().seconds for _ in range(12)]

    assert pauses[:4] == [0.25, 0.5, 1.0, 2.0]
    assert pauses[-1] == LONGEST_BACK_OFF
    assert stage.uplink.health.state is UplinkState.WAITING


def test_a_changed_network_makes_the_next_failure_the_first_again(stage, collector):
    drain(stage)
    collector.recorded.script.extend([Reply(502)] * 3)
    stage.spool.put([record("a")])
    stage.uplink.step()
    stage.uplink.step()

    stage.uplink.network_changed()

    assert stage.uplink.step().seconds == FIRST_BACK_OFF


def test_success_ends_the_trouble(stage, collector):
    drain(stage)
    collector.recorded.script.append(Reply(502))
    stage.spool.put([record("a")])
    stage.uplink.step()
    drain(stage)

    assert stage.uplink.health.state is UplinkState.SENDING
    assert stage.uplink.health.last_sent_us == 1_000_000


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_collector_is_given_the_time_it_asks_for(stage, collector, status):
    drain(stage)
    collector.recorded.script.append(Reply(status, retry_after="7"))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(7 + 7 / 5, for_work=False)


def test_a_busy_collector_that_names_no_time_is_given_some(stage, collector):
    drain(stage)
    collector.recorded.script.append(Reply(503))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(6.0, for_work=False)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_batch_that_is_refused_for_good_does_not_hold_up_the_next(stage, collector, status):
    drain(stage)
    collector.recorded.script.append(Reply(status, detail="observations[0].at_us: no"))
    stage.spool.put([record("bad")])
    drain(stage)

    (gap,) = collector.facts()
    assert isinstance(gap, SensorGap)
    assert gap.lost == 1
    assert gap.detail == f"{status}: observations[0].at_us: no"
    assert stage.spool.fill().quarantined == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_disbelieved_agent_keeps_its_batch_and_asks_slowly(stage, collector, status):
    drain(stage)
    collector.recorded.script.append(Reply(status, detail="unknown agent"))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(SLOWLY * 1.2, for_work=False)
    assert stage.uplink.health.state is UplinkState.NOT_BELIEVED
    assert stage.uplink.health.reason == f"{status}: unknown agent"
    assert stage.spool.fill().waiting == 1


def test_a_forked_identity_sends_nothing_more(stage, collector):
    drain(stage)
    collector.recorded.script.append(Reply(409, detail="two machines"))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(None, for_work=False)
    assert stage.uplink.step() == Pause(None, for_work=False)

    assert len(collector.recorded.attempts) == 1
    assert stage.uplink.health.state is UplinkState.FORKED


@pytest.mark.parametrize("body", [b"<html>", b'{"last": "no"}', b'{"last": 0}'])
def test_an_acknowledgement_that_is_none_commits_nothing(stage, collector, body):
    drain(stage)
    collector.recorded.script.append(Reply(200, body=body))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(FIRST_BACK_OFF, for_work=False)
    assert stage.spool.fill().waiting == 1


def test_an_answer_without_words_still_tells_its_status(stage, collector):
    drain(stage)
    collector.recorded.script.append(Reply(500, body=b"<html>oops"))
    stage.spool.put([record("a")])
    stage.uplink.step()

    assert stage.uplink.health.reason == "500: Internal Server Error"


def test_a_disk_that_takes_no_batch_makes_the_next_one_smaller(stage, collector):
    drain(stage)
    stage.spool.put([record("a")])
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        paused = stage.uplink.step()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    assert paused == Pause(FIRST_BACK_OFF, for_work=False)
    assert stage.uplink._limit == BATCH_OBSERVATIONS // 2
    drain(stage)
    assert collector.facts() == [fact("a")]
    assert stage.uplink._limit == BATCH_OBSERVATIONS


def test_a_server_with_another_authority_is_not_spoken_to(state, collector, tmp_path):
    stage = set_stage(state, collector)
    stage.spool.put([record("a")])
    port = collector.port
    collector.close()
    stranger = RecordingCollector(make_authority(tmp_path / "other"), port=port)
    try:
        stage.uplink.step()

        assert "certificate verify failed" in stage.uplink.health.reason
        assert stranger.recorded.attempts == []
    finally:
        stranger.close()
        stage.transport.close()
        stage.spool.close()


def test_the_proxies_of_the_environment_are_not_used(stage, collector, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    stage.spool.put([record("a")])

    drain(stage)

    assert collector.facts() == [fact("a")]


def test_a_batch_stays_below_what_the_collector_takes():
    assert uplink_module.BATCH_BYTES < BATCH_LIMIT_BYTES
    assert BATCH_OBSERVATIONS <= BATCH_LIMIT_OBSERVATIONS


def test_an_answer_that_is_too_large_is_not_read_to_its_end(stage, collector):
    drain(stage)
    collector.recorded.script.append(Reply(200, body=b" " * (ANSWER_LIMIT + 1_000_000)))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(FIRST_BACK_OFF, for_work=False)

    assert "too large" in stage.uplink.health.reason
    assert stage.spool.fill().waiting == 1


def test_an_answer_that_does_not_end_is_given_up(stage, collector, monkeypatch):
    monkeypatch.setattr(transport_module, "ANSWER_PATIENCE", -1.0)
    drain_but_policy = stage.uplink.step()
    stage.spool.put([record("a")])

    stage.uplink.step()

    assert drain_but_policy == Pause(FIRST_BACK_OFF, for_work=False)
    assert "does not end" in stage.uplink.health.reason


@pytest.mark.parametrize("asked", ["99999999999", "9" * 400])
def test_no_collector_silences_its_agents_for_longer_than_an_hour(stage, collector, asked):
    drain(stage)
    collector.recorded.script.append(Reply(429, retry_after=asked))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(LONGEST_PATIENCE * 1.2, for_work=False)


def test_an_answer_that_leads_elsewhere_is_not_followed(stage, collector):
    drain(stage)
    collector.recorded.script.append(Reply(307, detail="over there"))
    stage.spool.put([record("a")])

    assert stage.uplink.step() == Pause(FIRST_BACK_OFF, for_work=False)
    assert stage.uplink.health.reason == "307: over there"
