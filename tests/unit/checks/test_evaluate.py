from datetime import timedelta

import msgspec

from checks.check import Check
from checks.evaluate import Evaluator, Known
from checks.facts.health import AgentStopping
from checks.facts.network import NetworkState
from checks.finding import Finding, Outcome, Severity
from checks.policy import parse_policy
from tests.samples import AT_HOME, ENDPOINT, NOW_US, POLICY

GOODBYE = AgentStopping(reason="stopped")


def a_check(judge, **changes):
    fields = {
        "rule": "AUD-01",
        "judge": judge,
        "on": (AgentStopping,),
        "title": "t",
        "documentation": "d",
        "remedy": "r",
        **changes,
    }
    return Check(**fields)


def verdicts(check, known=None, policy=POLICY):
    evaluator = Evaluator({check.rule: check})
    return list(
        evaluator.verdicts(
            GOODBYE, at_us=NOW_US, policy=policy, endpoint=ENDPOINT, known=known or {}
        )
    )


def test_a_check_that_finds_nothing_passes():
    [verdict] = verdicts(a_check(lambda fact, context: iter(())))

    assert verdict.outcome is Outcome.PASS


def test_a_finding_carries_the_severity_of_its_grade():
    policy = parse_policy('[rules.AUD-01]\ngrades = { worse = "critical" }')
    found = [Finding(subject="s", message="m"), Finding(subject="s", message="m", grade="worse")]

    severities = [
        v.severity for v in verdicts(a_check(lambda fact, context: iter(found)), policy=policy)
    ]

    assert severities == [Severity.HIGH, Severity.CRITICAL]


def test_a_check_that_crashes_is_unknown_and_says_why():
    [verdict] = verdicts(a_check(lambda fact, context: iter([1 // 0])))

    assert verdict.outcome is Outcome.UNKNOWN
    assert (
        verdict.why_unknown
        == "AUD-01 crashed: ZeroDivisionError: integer division or modulo by zero"
    )


def test_a_needed_state_that_was_never_reported_is_unknown():
    [verdict] = verdicts(a_check(lambda fact, context: iter(()), needs=(NetworkState,)))

    assert (verdict.outcome, verdict.why_unknown) == (
        Outcome.UNKNOWN,
        "NetworkState never reported",
    )


def test_a_needed_state_that_is_too_old_is_unknown():
    check = a_check(
        lambda fact, context: iter(()), needs=(NetworkState,), max_age=timedelta(minutes=10)
    )
    old = {NetworkState: Known(fact=AT_HOME, at_us=NOW_US - 11 * 60 * 1_000_000)}

    [verdict] = verdicts(check, known=old)

    assert verdict.why_unknown == "NetworkState is 11 minutes old"


def test_a_check_gets_the_states_it_needs_and_nothing_else():
    given = []
    check = a_check(lambda fact, context: iter(given.append(context) or ()), needs=(NetworkState,))
    known = {
        NetworkState: Known(fact=AT_HOME, at_us=NOW_US),
        AgentStopping: Known(fact=GOODBYE, at_us=1),
    }

    verdicts(check, known=known)

    [context] = given
    assert dict(context.known) == {NetworkState: AT_HOME}
    assert context.latest(NetworkState) is AT_HOME


def test_a_check_that_the_policy_switches_off_says_nothing():
    policy = parse_policy("[rules.AUD-01]\nenabled = false")

    assert verdicts(a_check(lambda fact, context: iter(())), policy=policy) == []


def test_a_kind_that_no_check_reads_gives_no_verdict():
    evaluator = Evaluator({})

    found = evaluator.verdicts(GOODBYE, at_us=1, policy=POLICY, endpoint=ENDPOINT, known={})

    assert list(found) == []
    assert msgspec.structs.asdict(GOODBYE) == {"reason": "stopped"}
