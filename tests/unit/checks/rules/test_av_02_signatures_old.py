import msgspec
import pytest

from checks.facts.antivirus import AntivirusState, Product
from checks.facts.media import ScannerState
from checks.finding import Outcome, Severity
from checks.policy import parse_policy
from tests.samples import DAY_US, NOW_US, POLICY, POLICY_TEXT, judged


def state(days, *, running=True):
    made_us = NOW_US - int(days * DAY_US) if days is not None else 0
    return AntivirusState(
        products=(
            Product(product="ClamAV", running=running, guarding=True, signatures_at_us=made_us),
        )
    )


def verdicts(fact, policy=POLICY):
    return [v for v in judged(fact, policy=policy) if v.rule == "AV-02"]


@pytest.mark.parametrize(
    ("what", "fact", "severity"),
    [
        ("of today", state(0), None),
        ("a week old to the minute", state(7), None),
        ("older than a week", state(7.1), Severity.MEDIUM),
        ("a month old to the minute", state(30), Severity.MEDIUM),
        ("older than a month", state(40), Severity.HIGH),
        ("of a program that does not run, which is AV-01", state(40, running=False), None),
    ],
)
def test_how_old_signatures_may_be(what, fact, severity):
    told = [verdict.severity for verdict in verdicts(fact)]

    assert told == ([severity] if severity else []), what


def test_the_finding_names_the_product_and_the_limit_that_decided():
    [verdict] = verdicts(state(40))

    assert verdict.finding.subject == "ClamAV"
    assert verdict.finding.params == {"product": "ClamAV", "days": "40"}
    assert verdict.finding.decided_by == "thresholds.signatures_max_age 30d"


def test_the_hospital_s_own_limit_holds():
    policy = parse_policy(f'{POLICY_TEXT}\n[thresholds]\nsignatures_due = "1d"\n')

    [verdict] = verdicts(state(2), policy)

    assert verdict.finding.decided_by == "thresholds.signatures_due 1d"


def test_signatures_whose_age_nobody_knows_are_not_known_to_be_fresh():
    [verdict] = verdicts(state(None))

    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.why_unknown == "nobody knows how old the signatures are"


def test_the_engine_that_scans_media_is_judged_with_the_medium_alone():
    old = ScannerState(available=True, engine="ClamAV", signatures_at_us=NOW_US - 40 * DAY_US)

    assert judged(old) == []


@pytest.mark.parametrize(("minutes", "outcome"), [(4, Outcome.UNKNOWN), (6, Outcome.FAIL)])
def test_a_machine_that_wakes_has_time_to_fetch_new_ones(minutes, outcome):
    seen_us = NOW_US - minutes * 60 * 1_000_000
    woken = msgspec.structs.replace(state(40).products[0], signatures_seen_us=seen_us)

    [verdict] = verdicts(AntivirusState(products=(woken,)))

    assert verdict.outcome is outcome
