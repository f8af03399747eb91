"""The endpoint register as a file: exported, looked at, taken in whole or not at all."""

import re

import pytest

from checks.policy import Endpoint
from collector.queries.endpoints import endpoint_named, every_endpoint
from collector.sheets import csv_of, rows_of
from tests.contract.collector.dashboard.test_door import SITE, ask
from tests.support.hospital import WARDS, Hospital, started

OFFICER = {"who": "安全员"}
NK3, JYK, ICU = WARDS[0], WARDS[1], WARDS[3]


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path, base_url=SITE)
    made.people()
    for ward in (NK3, JYK, ICU):
        made.enrol(ward)
    made.tell(NK3[0], started())
    yield made
    made.close()


def line_of(hospital, agent: str) -> Endpoint:
    found = endpoint_named(hospital.services.store_engine, agent)
    assert found is not None
    return found.registered


def register(hospital) -> list[Endpoint]:
    return [each.registered for each in every_endpoint(hospital.services.store_engine)]


def upload(hospital, content: bytes, *, language: str = "en", **data: str):
    files = {"file": ("台账.csv", content)}
    return ask(
        hospital, "POST", "/endpoints/import", with_token=True, data=data, files=files,
        language=language, **OFFICER,
    )  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_what_is_exported_is_imported_again_as_it_was(hospital, form, language):
    exported = ask(hospital, "GET", f"/endpoints/export.{form}", language=language, **OFFICER)

    answer = upload(hospital, exported.content)

    assert exported.headers["content-disposition"].endswith(f'"endpoints.{form}"')
    assert len(list(rows_of(exported.content))) == 1 + 3
    assert "0 changed, 3 as before." in answer.text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_file_as_spreadsheets_write_it_is_taken_in_by_name(hospital, encoding):
    text = f"名称,责任人,分组\r\n{NK3[1]},王医生,夜班、门诊\r\n"

    answer = upload(hospital, text.encode(encoding))

    assert "1 changed, 0 as before." in answer.text
    line = line_of(hospital, NK3[0])
    assert (line.owner, line.groups, line.department) == ("王医生", ("夜班", "门诊"), NK3[2])


def test_a_file_with_mistakes_names_their_rows_and_changes_nothing(hospital):
    before = register(hospital)
    rows = [
        ["id", "owner", "protection_level"],
        [NK3[0], "new", "2"],
        [JYK[0], "new", "third"],
        ["nobody", "new", ""],
    ]

    answer = upload(hospital, csv_of(rows), language="zh_CN")

    assert answer.status_code == 400
    assert re.search(r">3</td>.*?等保级别", answer.text)
    assert re.search(r">4</td>.*?没有标识为 nobody 的终端", answer.text)
    assert register(hospital) == before


def test_a_file_that_is_only_checked_changes_nothing(hospital):
    content = csv_of([["id", "owner"], [NK3[0], "new"]])

    answer = upload(hospital, content, step="check")

    assert "No mistake. 1 would change, 0 stay as before; nothing was taken in." in answer.text
    assert line_of(hospital, NK3[0]).owner == NK3[3]


def test_a_zone_that_nobody_knows_is_told_and_taken_in(hospital):
    answer = upload(hospital, csv_of([["id", "zone"], [NK3[0], "moon"]]))

    assert "1 row to look at again" in answer.text
    assert "Zone moon is not in the policy" in re.sub("<[^>]+>", "", answer.text)
    assert line_of(hospital, NK3[0]).zone == "moon"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00\x01"])
def test_a_file_that_is_no_table_is_refused(hospital, content):
    assert upload(hospital, content).status_code == 400


def test_what_somebody_wrote_stays_text_on_the_page_and_in_the_export(hospital):
    evil = "<img src=x onerror=alert(1)>"
    upload(hospital, csv_of([["id", "owner"], [NK3[0], "=1+1"]]))

    refused = upload(hospital, csv_of([["id", evil], [NK3[0], "x"]]))
    exported = ask(hospital, "GET", "/endpoints/export.csv", **OFFICER).text

    assert "There is no column" in refused.text
    assert "<img src=x" not in refused.text
    assert "'=1+1" in exported
    assert line_of(hospital, NK3[0]).owner == "=1+1"


@pytest.mark.parametrize("text", ["x" * 10_000, "a\u202eb", "a\0b", "a\x1b[31m"])
def test_what_cannot_be_printed_or_is_too_long_is_refused(hospital, text):
    answer = upload(hospital, csv_of([["id", "owner"], [NK3[0], text]]))

    assert answer.status_code == 400
    assert line_of(hospital, NK3[0]).owner == NK3[3]


@pytest.mark.parametrize("who", ["duty", "auditor", "admin", "director"])
def test_everybody_exports_and_only_the_officer_imports(hospital, who):
    content = csv_of([["id", "owner"], [NK3[0], "me"]])
    sent = {"files": {"file": ("a.csv", content)}, "with_token": True, "data": {}}

    assert ask(hospital, "GET", "/endpoints/export.csv", who=who).status_code == 200
    assert ask(hospital, "GET", "/endpoints/import", who=who).status_code == 403
    assert ask(hospital, "POST", "/endpoints/import", who=who, **sent).status_code == 403
    assert "/endpoints/import" not in ask(hospital, "GET", "/endpoints", who=who).text
    assert line_of(hospital, NK3[0]).owner == NK3[3]


def test_a_form_of_another_site_does_nothing(hospital):
    answer = ask(
        hospital, "POST", "/endpoints/import", data={}, files={"file": ("a.csv", b"x")}, **OFFICER
    )

    assert answer.status_code == 403


def test_a_line_that_is_changed_by_hand_is_refused_by_its_field(hospital):
    form = {"name": "PC", "protection_level": "3", "owner": "x" * 121, "department": ""}

    path = f"/endpoints/{NK3[0]}"

    refused = ask(hospital, "POST", path, with_token=True, data=form, **OFFICER)
    changed = ask(hospital, "POST", path, with_token=True, data={**form, "owner": "李"}, **OFFICER)

    assert (refused.status_code, changed.status_code) == (400, 303)
    assert "Owner is longer than 120 characters" in refused.text
    assert line_of(hospital, NK3[0]).owner == "李"
