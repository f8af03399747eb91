"""Reports out of a real store: recounted by SQL, followed by their links, read as files."""

import io
import itertools
import random
import subprocess
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from openpyxl import load_workbook
from sqlalchemy import insert, text

from checks.finding import Severity
from checks.policy import parse_policy
from collector.i18n import translator
from collector.queries.cases import CaseFilter, count_cases
from collector.reports.figures import COUNTED
from collector.reports.making import make_report
from collector.reports.pdf import report_pdf
from collector.reports.period import period_of
from collector.reports.tables import (
    report_csv,
    report_xlsx,
    sentence,
    severities_of,
    tables_of,
    total_row,
)
from collector.sheets import rows_of
from collector.store import schema

NOVEMBER = period_of("2026-11", "Asia/Shanghai")
DAY_US = 24 * 3600 * 1_000_000
AFTER = NOVEMBER.to_us + 3 * DAY_US
HOSTILE = '=HYPERLINK("http://x")<b>&amp;\u202egnp' + "长" * 10_000
PEOPLE = ("林晓棠", "", "=1+1")
WARDS = ("内科三病区", "", HOSTILE)
RULES = ("EXT-01", "MED-05", "AV-01")
POLICY = msgspec.structs.replace(parse_policy('[hospital]\nname = "示范市第一人民医院"'), version=7)
ENGLISH, CHINESE = translator("en"), translator("zh_CN")


def endpoint(number: int) -> dict[str, object]:
    return {
        "agent": f"e{number}",
        "name": f"PC-{number}",
        "department": WARDS[number % 3],
        "owner": PEOPLE[number % 3],
        "groups": [],
        "enrolled_us": NOVEMBER.from_us - DAY_US,
    }


def case(number: int, draw: random.Random) -> dict[str, object]:
    opened = NOVEMBER.from_us + draw.randrange(-40, 34) * DAY_US + number
    closed = draw.choice([0, opened + draw.randrange(1, 50) * DAY_US])
    severity = draw.choice(list(Severity))
    return {
        "id": f"C-{number}",
        "rule": draw.choice(RULES),
        "agent": f"e{draw.randrange(6)}",
        "subject": "s",
        "severity": severity.value,
        "severity_rank": severity.rank,
        "state": draw.choice(["closed", "false_alarm"]) if closed else "handling",
        "opened_us": opened,
        "last_seen_us": opened,
        "closed_us": closed,
        "count": 1,
        "policy_version": 1,
        "decided_by": "",
        "message": "m",
        "params": {},
        "close_due_us": opened + draw.choice([0, 10]) * DAY_US,
        "department": WARDS[draw.randrange(3)],
    }


@pytest.fixture
def filled(store):
    draw = random.Random(5)
    with store.begin() as connection:
        connection.execute(insert(schema.endpoints), [endpoint(number) for number in range(6)])
        connection.execute(insert(schema.cases), [case(number, draw) for number in range(400)])
        hole = {"agent": "e0", "sensor": "*", "cause": "killed", "lost": 0, "detail": ""}
        span = {"from_us": NOVEMBER.from_us, "to_us": NOVEMBER.from_us + 3 * DAY_US}
        connection.execute(insert(schema.coverage_holes), [{**hole, **span}])
    return store


@pytest.fixture
def report(filled):
    return make_report(filled, POLICY, NOVEMBER, now_us=AFTER)


RECOUNT = {
    "opened": "opened_us >= :a AND opened_us < :b",
    "closed": "closed_us >= :a AND closed_us < :b",
    "mistaken": "closed_us >= :a AND closed_us < :b AND state = 'false_alarm'",
    "left": "opened_us < :b AND (closed_us = 0 OR closed_us >= :b)",
    "overdue": "opened_us < :b AND (closed_us = 0 OR closed_us >= :b) "
    "AND close_due_us > 0 AND close_due_us < :b",
}


@pytest.mark.parametrize("counted", COUNTED)
def test_its_totals_are_those_of_a_recount(report, filled, counted):
    bounds = {"a": NOVEMBER.from_us, "b": NOVEMBER.to_us}
    with filled.connect() as connection:
        recounted = connection.execute(
            text(f"SELECT count(*) FROM cases WHERE {RECOUNT[counted]}"), bounds
        ).scalar_one()

    assert recounted > 10
    assert report.total.of(counted) == recounted
    assert sum(line.tally.of(counted) for line in report.departments) == recounted
    assert sum(line.tally.of(counted) for line in report.rules) == recounted


def test_every_number_leads_to_as_many_cases(report, filled):
    figures = [
        figure
        for row in (
            total_row(report, ENGLISH),
            *itertools.chain(*(table.rows for table in tables_of(report, ENGLISH))),
        )
        for figure in row.figures
    ]
    figures += [figure for _, _, figure in severities_of(report, ENGLISH)]

    assert sum(figure.number > 0 for figure in figures) > 50
    for figure in figures:
        assert bool(figure.address) == bool(figure.number)
        if figure.address:
            assert count_cases(filled, asked_by(figure.address)) == figure.number


def asked_by(address: str) -> CaseFilter:
    asked = parse_qs(urlsplit(address).query)
    period = period_of(asked["during"][0], "Asia/Shanghai")
    return CaseFilter(
        rules=tuple(asked.get("rule", ())),
        severities=tuple(asked.get("severity", ())),
        department=asked.get("department", [""])[0],
        owner=asked.get("owner", [""])[0],
        counted=asked["counted"][0],
        from_us=period.from_us,
        to_us=period.to_us,
    )


def test_coverage_stands_beside_it_and_the_time_not_watched_has_its_cause(report):
    assert report.endpoints == 6
    assert report.share == pytest.approx(1 - 3 / 30 / 6)
    assert [(blind.cause, blind.endpoints) for blind in report.blind] == [("killed", 1)]
    assert report.blind[0].length_us == 3 * DAY_US


def test_a_month_in_which_nothing_happened_says_how_much_was_watched(store):
    with store.begin() as connection:
        connection.execute(insert(schema.endpoints), [endpoint(0)])

    told = make_report(store, POLICY, NOVEMBER, now_us=AFTER)

    assert sentence(told, ENGLISH) == (
        "Nothing happened. Of the time of all endpoints (1), 100.00 % was watched."
    )
    assert all(line.share == 1.0 for line in told.clauses)


def test_without_endpoints_nothing_was_watched(store):
    told = make_report(store, POLICY, NOVEMBER, now_us=AFTER)

    assert told.share == 0
    assert "nothing was watched" in sentence(told, ENGLISH)


def test_a_month_that_is_not_over_is_counted_until_now(filled):
    middle = NOVEMBER.from_us + 10 * DAY_US

    told = make_report(filled, POLICY, NOVEMBER, now_us=middle)

    assert not told.is_over
    assert told.share == pytest.approx(1 - 3 / 10 / 6)


def test_an_excel_file_has_numbers_and_no_formula(report):
    book = load_workbook(io.BytesIO(report_xlsx(report, CHINESE)))

    assert book.sheetnames == ["报告", "按条款", "按规则", "按科室", "按责任人", "未监测的时间"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"inlineStr", "s", "n"}
    by_rule = {row[0]: row[2:7] for row in book["按规则"].iter_rows(values_only=True)}
    line = next(line for line in report.rules if line.key == "EXT-01")
    assert by_rule["EXT-01"] == tuple(line.tally.of(each) for each in COUNTED)


def test_a_csv_file_has_no_formula(report):
    rows = list(rows_of(report_csv(report, ENGLISH)))

    assert ["Endpoints", "6"] in [row[:2] for row in rows]
    told = report_csv(report, ENGLISH).decode("utf-8-sig")
    assert not [line for line in told.splitlines() if line.startswith(("=", '"=', "+", "@"))]
    assert "'=1+1" in told


@pytest.mark.parametrize(("says", "words"), [
    (CHINESE, ["合规报告 2026-11", "示范市第一人民医院", "内科三病区", "监测覆盖率", "批准", "三(七)"]),
    (ENGLISH, ["Compliance report 2026-11", "内科三病区", "Watched", "Approved by", "EXT-01"]),
])  # fmt: skip
def test_the_paper_is_read_by_another_program(report, says, words, tmp_path):
    file = tmp_path / "report.pdf"
    file.write_bytes(report_pdf(report, says))

    told = subprocess.run(
        ["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True
    ).stdout

    assert [word for word in words if word not in told] == []
    assert f"{report.total.opened:,}" in told
    assert "\u202e" not in told
    assert "<b>" in told
