"""Which reports are due: the newest of each kind that is over, in the hospital's own morning."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from checks.policy import PolicyError, parse_policy
from collector.clocks import microseconds
from collector.reports.schedule import due_reports

HEAD, DUTY = "head@hospital.example", "duty@hospital.example"
TEXT = f"""
[hospital]
name = "示范市第一人民医院"
timezone = "Asia/Shanghai"
[mail]
reports_at = "08:00"
[[mail.recipients]]
address = "{HEAD}"
reports = ["week", "month"]
[[mail.recipients]]
address = "{DUTY}"
reports = ["day", "month"]
"""


def due(text: str, *moment: int) -> dict[str, tuple[str, ...]]:
    now = datetime(*moment, tzinfo=ZoneInfo("Asia/Shanghai"))
    alerts = due_reports(parse_policy(text, version=1), microseconds(now))
    return {alert.case: alert.recipients for alert in alerts}


def test_each_leaves_in_the_morning_after_its_period():
    assert due(TEXT, 2026, 11, 1, 8, 0) == {
        "2026-10-31": (DUTY,),
        "2026-W43": (HEAD,),
        "2026-10": (HEAD, DUTY),
    }


def test_none_leaves_before_its_hour_where_the_hospital_is():
    assert due(TEXT, 2026, 11, 1, 7, 59) == {"2026-W43": (HEAD,)}


def test_the_months_is_due_for_as_long_as_no_other_is():
    assert due(TEXT, 2026, 11, 30, 23, 0)["2026-10"] == (HEAD, DUTY)
    assert "2026-11" in due(TEXT, 2026, 12, 1, 8, 0)


def test_nobody_who_did_not_ask_gets_one():
    assert due(TEXT.replace("reports = [", "# ["), 2026, 11, 1, 9, 0) == {}


def test_who_gets_mail_of_some_departments_gets_no_report_of_all():
    text = TEXT.replace('reports = ["day", "month"]', 'reports = ["day"]\ndepartments = ["检验科"]')

    with pytest.raises(PolicyError, match=r"mail.recipients\[1\].reports: reports tell of every"):
        parse_policy(text, version=1)
