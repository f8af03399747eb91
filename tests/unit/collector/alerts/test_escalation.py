import msgspec
import pytest

from checks.finding import Severity
from checks.policy import PolicyError, parse_policy
from collector.alerts.escalation import (
    alert_of_step,
    due_us,
    key_after,
    step_mark,
    step_named,
    told_before,
)
from tests.unit.collector.alerts.test_decide import ENDPOINT, a_case

MINUTE_US = 60_000_000
FRIDAY_US = 1_772_787_600_000_000  # 2026-03-06 17:00 in Shanghai


def step(name: str, after: str = "0m", severity: str = "medium", who: str = "a@h.example") -> str:
    return (
        f'\n[[mail.escalation]]\nname = "{name}"\naddresses = ["{who}"]\nafter = "{after}"\n'
        f'severity = "{severity}"\n'
    )


CHAIN = (
    '[rules.EXT-01]\nmail = "2m"\n'
    + step("值班")
    + step("安全管理员", "15m")
    + step("分管院领导", "4h", "critical")
)


def keys(policy, case, now_us) -> list[str]:
    decided = (
        alert_of_step(case, each, policy, ENDPOINT, now_us=now_us)
        for each in policy.mail.escalation
    )
    return [alert.key for alert in decided if alert]


@pytest.mark.parametrize(
    ("minutes", "steps"),
    [(0, 0), (1, 1), (15, 1), (16, 2), (239, 2), (241, 3)],
)
def test_a_step_leaves_when_its_time_past_the_clock_is_over(minutes, steps):
    case = a_case()

    told = keys(parse_policy(CHAIN), case, case.acknowledge_due_us + minutes * MINUTE_US)

    assert (
        told
        == [
            "EXT-01-AAAAAAAA:overdue",
            "EXT-01-AAAAAAAA:escalated:安全管理员",
            "EXT-01-AAAAAAAA:escalated:分管院领导",
        ][:steps]
    )


def test_a_milder_case_does_not_reach_the_top():
    case = a_case(severity=Severity.HIGH)

    assert len(keys(parse_policy(CHAIN), case, case.acknowledge_due_us + 999 * MINUTE_US)) == 2


def test_where_nobody_is_mailed_nothing_escalates():
    policy = parse_policy('mode = "observe"\n' + CHAIN)

    assert keys(policy, a_case(), 10**18) == []


def test_working_days_leave_out_the_weekend():
    policy = parse_policy(step("值班") + step("安全管理员", "1wd"))
    case = msgspec.structs.replace(a_case(), acknowledge_due_us=FRIDAY_US)

    assert due_us(case, policy.mail.escalation[1], policy) == FRIDAY_US + 3 * 24 * 60 * MINUTE_US


def test_a_key_says_which_step_it_was():
    policy = parse_policy(CHAIN)
    ends = [key_after(each, policy) for each in policy.mail.escalation]

    assert [step_named(f"EXT-01-AAAAAAAA{end}") for end in ends] == ["", "安全管理员", "分管院领导"]
    assert step_named("report:2026-02") == ""
    assert step_mark("安全管理员").isascii()


def test_a_mail_knows_who_was_told_before():
    policy = parse_policy(CHAIN)

    assert told_before("分管院领导", policy) == ("值班", "安全管理员")
    assert told_before("somebody who left", policy) == ()


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (step("值班", "5m"), "mail.escalation[0] (值班).after: the first step leaves when"),
        (step("a") + step("a", "5m"), "mail.escalation[1] (a).name: another step has this name"),
        (step("a") + step("b", "5m") + step("c", "5m"), "(c).after: leaves no later than"),
        (step("a") + step("b"), "(b).after: leaves no later than"),
        (step("a") + step("b", "soon"), "(b).after: 'soon' is no duration"),
        (step("a", who="nobody"), "mail.escalation[0] (a).addresses"),
        ('[[mail.escalation]]\nname = "a"\n', "(a).addresses: nobody is named"),
        ('[[mail.escalation]]\nname = ""\n', "name"),
        (step("x" * 33), "name"),
        (step("a\\u202eb"), "is no name that a page can show"),
        ('[mail]\nacknowledge_link = "soon"', "mail.acknowledge_link: 'soon' is no duration"),
    ],
)
def test_a_chain_that_would_not_work_is_refused_with_its_place(chain, said):
    with pytest.raises(PolicyError) as refused:
        parse_policy(chain)

    assert said in str(refused.value)
