"""The reports' pages: read by everybody with an account, every number one click from its cases."""

import html
import io
import re

import pytest
from openpyxl import load_workbook

from collector.queries.reports import cells, enrolled
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import WARDS, Hospital, leak, network, now_us

OFFICER = {"who": "安全员"}
TODAY_MONTH = r"/reports/(\d{4}-\d{2})\.pdf"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    for ward in WARDS[:2]:
        made.enrol(ward)
        made.tell(ward[0], network(), leak("two_way"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def page(hospital):
    """Of a span that has today in it wherever the hospital's midnight is."""
    return ask(hospital, "GET", "/reports?period=2026-01-01..2028-12-31", **OFFICER)


def test_what_it_is_counted_from(hospital):
    store = hospital.services.store_engine

    counted = cells(store, 0, now_us() + 1)

    assert sum(cell.opened for cell in counted) >= 2
    assert {one.department for one in enrolled(store).values()} == {WARDS[0][2], WARDS[1][2]}


@pytest.mark.parametrize("who", ["安全员", "duty", "auditor", "admin", "director"])
def test_everybody_with_an_account_reads_it(hospital, who):
    answer = ask(hospital, "GET", "/reports", who=who)

    assert answer.status_code == 200
    assert re.search(TODAY_MONTH, answer.text)


def test_nobody_else_does(hospital):
    for address in ("/reports", "/reports/2026-11.pdf"):
        assert ask(hospital, "GET", address).status_code == 303


def test_each_number_leads_to_a_list_of_as_many(hospital, page):
    found = re.findall(r'<a href="(/cases\?[^"]+)"><b>([0-9,]+)</b>', page.text)

    assert len(found) > 10
    for address, number in found:
        listed = ask(hospital, "GET", html.unescape(address), **OFFICER)
        told = re.search(r"<h2>(?:共 )?([0-9]+)", listed.text)
        assert told is not None, address
        assert told[1] == number, address
        assert 'id="narrowed"' in listed.text


@pytest.mark.parametrize(
    ("form", "kind", "begins"),
    [
        ("pdf", "application/pdf", b"%PDF"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("csv", "text/csv", b"\xef\xbb\xbf"),
    ],
)
def test_it_is_taken_along_as_a_file(hospital, form, kind, begins):
    answer = ask(hospital, "GET", f"/reports/2026-11.{form}", **OFFICER)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert f'filename="wardwatch-2026-11.{form}"' in answer.headers["content-disposition"]
    assert answer.content.startswith(begins)


@pytest.mark.parametrize(("language", "title"), [("en", "Report"), ("zh_CN", "报告")])
def test_the_file_is_in_the_readers_language(hospital, language, title):
    answer = ask(hospital, "GET", "/reports/2026-11.xlsx", language=language, **OFFICER)

    assert load_workbook(io.BytesIO(answer.content)).sheetnames[0] == title


@pytest.mark.parametrize("period", ["2026-13", "never", "<script>", "2020-01-01..2026-01-01"])
def test_a_period_that_is_none_is_told_and_the_last_month_shown(hospital, period):
    answer = ask(hospital, "GET", "/reports", params={"period": period}, **OFFICER)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<script>" not in answer.text.split("<main", 1)[1]
    assert ask(hospital, "GET", "/reports/2026-13.pdf", **OFFICER).status_code == 404
    assert ask(hospital, "GET", "/reports/2026-11.exe", **OFFICER).status_code == 404


def test_a_list_of_cases_with_a_wrong_period_shows_all(hospital):
    answer = ask(hospital, "GET", "/cases?state=all&during=x&counted=opened", **OFFICER)

    assert answer.status_code == 200
    assert 'id="narrowed"' not in answer.text
