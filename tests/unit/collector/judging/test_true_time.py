import pytest

from checks.facts.health import AgentStopping
from checks.policy import Endpoint
from checks.wire import Observation
from collector.judging.records import EndpointRecord
from collector.judging.true_time import judged_at, judged_moment

HOUR_US = 3_600_000_000
NOON_US = 1_795_000_000_000_000
BOOT = "one"
RECORD = EndpointRecord(
    registered=Endpoint(id="e"), boot=BOOT, judged_us=NOON_US, judged_monotonic_us=5 * HOUR_US
)


def seen(at_us, monotonic_us, boot=BOOT):
    return Observation(
        sequence=1,
        at_us=at_us,
        boot=boot,
        monotonic_us=monotonic_us,
        sensor="s",
        fact=AgentStopping(reason="stopped"),
    )


@pytest.mark.parametrize(
    ("what", "observation", "received_us", "moment_us"),
    [
        ("as it should be", seen(NOON_US + 9, 5 * HOUR_US + 9), NOON_US + 20, NOON_US + 9),
        (
            "kept for a day while the collector was away",
            seen(NOON_US + HOUR_US, 6 * HOUR_US),
            NOON_US + 24 * HOUR_US,
            NOON_US + HOUR_US,
        ),
        (
            "the clock was set back by a day, two hours ago",
            seen(NOON_US - 22 * HOUR_US, 7 * HOUR_US),
            NOON_US + 2 * HOUR_US,
            NOON_US + 2 * HOUR_US,
        ),
        (
            "set back over a reboot",
            seen(NOON_US - HOUR_US, 3, boot="two"),
            NOON_US + 2 * HOUR_US,
            NOON_US,
        ),
        (
            "set forward: nothing happens after it was received",
            seen(NOON_US + 99 * HOUR_US, 6 * HOUR_US),
            NOON_US + HOUR_US,
            NOON_US + HOUR_US,
        ),
        (
            "a monotonic clock that lies",
            seen(NOON_US - HOUR_US, 0),
            NOON_US + HOUR_US,
            NOON_US,
        ),
    ],
)
def test_an_observation_is_judged_by_a_moment_that_its_clock_cannot_choose(
    what, observation, received_us, moment_us
):
    assert judged_moment(RECORD, observation, received_us) == moment_us, what


def test_what_was_judged_is_what_the_next_is_measured_against():
    after = judged_at(RECORD, seen(NOON_US + 9, 6 * HOUR_US), NOON_US + 10)

    assert (after.judged_us, after.judged_monotonic_us) == (NOON_US + 10, 6 * HOUR_US)
