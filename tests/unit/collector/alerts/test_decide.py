import msgspec
import pytest

from checks.finding import Severity
from checks.policy import Endpoint, parse_policy
from collector.alerts.decide import Occasion, alert_for, is_overdue
from collector.cases import Case, CaseState

MAILED = (Occasion.FIRST, Occasion.RAISED, Occasion.OVERDUE)
ENDPOINT = Endpoint(id="a-1", department="内科三病区", zone="ward")
TEXT = """
mode = "{mode}"

[[zones]]
name = "ward"
prefixes = ["10.20.0.0/16"]
mode = "{zone_mode}"

[[mail.recipients]]
address = "duty@hospital.example"
severity = "high"

[[mail.recipients]]
address = "ward3@hospital.example"
severity = "low"
departments = ["内科三病区"]

[[mail.recipients]]
address = "lab@hospital.example"
severity = "low"
departments = ["检验科"]
"""


def policy(mode: str = "alert", zone_mode: str = ""):
    return parse_policy(TEXT.format(mode=mode, zone_mode=zone_mode))


def a_case(rule: str = "EXT-01", severity: Severity = Severity.CRITICAL) -> Case:
    return Case(
        id=f"{rule}-AAAAAAAA",
        rule=rule,
        agent="a-1",
        subject="usb0",
        severity=severity,
        state=CaseState.AWAITING_ACKNOWLEDGEMENT,
        opened_us=100,
        last_seen_us=100,
        count=1,
        policy_version=1,
        decided_by="default",
        message="m",
        params={},
        acknowledge_due_us=1000,
        department="内科三病区",
    )


@pytest.mark.parametrize(
    ("severity", "recipients"),
    [
        (Severity.CRITICAL, ("duty@hospital.example", "ward3@hospital.example")),
        (Severity.MEDIUM, ("ward3@hospital.example",)),
        (Severity.NOTICE, None),
    ],
)
def test_who_is_mailed_goes_by_severity_and_department(severity, recipients):
    alert = alert_for(a_case(severity=severity), Occasion.FIRST, policy(), ENDPOINT)

    assert (alert and alert.recipients) == recipients


def test_a_rule_without_a_mail_clock_never_mails():
    case = a_case("EXT-17", Severity.CRITICAL)

    assert alert_for(case, Occasion.FIRST, policy(), ENDPOINT) is None


@pytest.mark.parametrize(
    ("mode", "zone_mode", "mailed"),
    [
        ("alert", "", True),
        ("observe", "", False),
        ("alert", "observe", False),
        ("observe", "alert", True),
    ],
)
def test_a_zone_that_only_observes_mails_nobody(mode, zone_mode, mailed):
    alert = alert_for(a_case(), Occasion.FIRST, policy(mode, zone_mode), ENDPOINT)

    assert (alert is not None) is mailed


def test_a_key_is_the_case_and_the_occasion():
    keys = [alert_for(a_case(), each, policy(), ENDPOINT).key for each in MAILED]

    assert keys == [
        "EXT-01-AAAAAAAA:first",
        "EXT-01-AAAAAAAA:raised:critical",
        "EXT-01-AAAAAAAA:overdue",
    ]


def test_a_case_is_overdue_when_its_clock_ran_out_and_nobody_acknowledged():
    case = a_case()

    assert is_overdue(case, 1001)
    assert not is_overdue(case, 1000)
    assert not is_overdue(msgspec.structs.replace(case, acknowledge_due_us=0), 1001)
    assert not is_overdue(msgspec.structs.replace(case, state=CaseState.HANDLING), 1001)
