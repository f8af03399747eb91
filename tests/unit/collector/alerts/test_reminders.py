import pytest

from checks.policy import parse_policy
from checks.policy.moments import ends_us
from collector.alerts.reminders import due, ending_of, endings

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
END_US = ends_us("2026-12-31", "Asia/Shanghai")
MAIL = (
    '[[mail.recipients]]\naddress = "duty@hospital.example"\n'
    '[[mail.recipients]]\naddress = "ward@hospital.example"\ndepartments = ["w"]\n'
)


def approvals(lines="", mail=MAIL):
    entry = '[[approved]]\nname = "x"\ndestinations = ["203.0.113.9/32"]\nexpires = 2026-12-31\n'
    return parse_policy(f"{entry}{lines}\n{mail}")


@pytest.mark.parametrize(
    ("lines", "before_us", "state"),
    [
        ("", 7 * DAY_US + 1, "valid"),
        ("", 7 * DAY_US, "ending"),
        ("", 0, "ending"),
        ("", -1, "expired"),
        ("starts = 2026-12-01", 40 * DAY_US, "not_begun"),
        ("vendor = true", 13 * HOUR_US, "valid"),
        ("vendor = true", 12 * HOUR_US, "ending"),
        ("starts = 2026-12-31", 12 * HOUR_US + 1, "valid"),
        ("starts = 2026-12-31", 11 * HOUR_US, "ending"),
    ],
)
def test_an_approval_is_reminded_of_before_its_end_but_not_before_half_of_it(
    lines, before_us, state
):
    [ending] = endings(approvals(lines), END_US - before_us)

    assert (ending.state, ending.ends_us) == (state, END_US)


def test_devices_end_too_and_what_forbids_does_not():
    device = '[[devices]]\nname = "d"\nkind = "wired"\nmac = "52:54:00"\nexpires = 2026-12-31\n'
    policy = approvals('effect = "deny"', mail=device)

    assert [ending.entry.name for ending in endings(policy, END_US)] == ["d"]


def test_without_a_contact_those_are_told_who_are_told_of_everything():
    [alert] = due(approvals(), END_US)
    [own] = due(approvals('contact = "lab@hospital.example"'), END_US)

    assert alert.recipients == ("duty@hospital.example",)
    assert own.recipients == ("lab@hospital.example",)
    assert list(due(approvals(mail=""), END_US)) == []


def test_a_reminder_is_one_for_a_name_and_an_end():
    [alert] = due(approvals(), END_US)
    [later] = due(approvals(), END_US - DAY_US)
    prolonged = parse_policy(
        '[[approved]]\nname = "x"\ndestinations = []\nexpires = 2027-01-01\n' + MAIL
    )

    assert alert.key == later.key
    assert len(alert.key) <= 64
    assert len(alert.case) <= 32
    assert [a.key for a in due(prolonged, END_US)] != [alert.key]
    assert ending_of(alert.case, prolonged, END_US) is None
