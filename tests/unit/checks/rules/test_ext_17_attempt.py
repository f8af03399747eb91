import pytest

from checks.finding import Severity
from checks.policy import Endpoint
from tests.samples import BY_TELEPHONE, POLICY, connection, judged, rules_raised


def test_an_attempt_is_a_notice_that_counts_its_flows_and_mails_nobody():
    [verdict] = judged(connection(answer="none", flows=40))

    assert (verdict.rule, verdict.severity, verdict.finding.count) == (
        "EXT-17",
        Severity.NOTICE,
        40,
    )
    assert POLICY.settings("EXT-17").mail == ""


@pytest.mark.parametrize(
    ("what", "changes", "endpoint", "raised"),
    [
        ("over whichever uplink", {"egress": BY_TELEPHONE}, Endpoint(id="x"), ["EXT-17"]),
        ("inside the plan", {"destination": "10.20.9.9"}, Endpoint(id="x"), []),
        ("approved", {"destination": "203.0.113.7"}, Endpoint(id="front-end"), []),
    ],
)
def test_which_attempts_count(what, changes, endpoint, raised):
    assert rules_raised(connection(answer="none", **changes), endpoint=endpoint) == raised, what
