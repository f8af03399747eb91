import pytest

from checks.facts.health import EndpointSilent
from checks.finding import Severity
from tests.samples import NOW_US, judged

MINUTE_US = 60 * 1_000_000


def silent(minutes, **changes):
    return EndpointSilent(
        endpoint="ward3-pc1",
        last_heard_us=NOW_US - minutes * MINUTE_US,
        silent_for_us=minutes * MINUTE_US,
        **changes,
    )


@pytest.mark.parametrize(
    ("what", "fact", "severities"),
    [
        ("a witness saw it alive", silent(2, witnesses=("NK3-PC-018",)), [Severity.HIGH]),
        ("silent for two minutes, no witness", silent(2), []),
        ("for ten minutes", silent(10), [Severity.NOTICE]),
        ("for seven days", silent(7 * 24 * 60), [Severity.MEDIUM]),
        ("it said goodbye", silent(10, announced="shutdown", witnesses=("a",)), []),
    ],
)
def test_silence_weighs_by_witness_and_time(what, fact, severities):
    assert [verdict.severity for verdict in judged(fact)] == severities, what
