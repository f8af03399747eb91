"""The media register's pages: registered with two clicks, changed, lost, found, imported."""

import asyncio
import re
from urllib.parse import unquote

import httpx
import pytest
from starlette.applications import Starlette

from checks.facts.media import MediumAttached
from checks.facts.media_register import RegisteredMedium
from checks.wire import encode
from collector import dashboard
from collector.auth import user_named
from collector.dashboard.door import LANGUAGE_COOKIE, SESSION_COOKIE
from collector.entries import EntryKind, MediaChanged
from collector.queries.register import StoredMedia
from collector.sessions import open_session, session_of
from collector.sheets import csv_of, rows_of
from tests.contract.collector.dashboard.test_door import SITE
from tests.support.hospital import STRANGE, USB, WARDS, Hospital, mounted, now_us

PEOPLE = {}
OFFICER = {"who": "安全员"}
LINE = {"number": "R-1", "serial": "S1", "owner": "王", "department": "检验科", "kind": "plain"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    made.enrol(WARDS[0])
    made.tell(WARDS[0][0], MediumAttached(medium=USB), mounted(USB))
    yield made
    made.close()


@pytest.fixture
def hospital(made):
    """With an empty register."""
    services = made.services
    numbers = tuple(registered(made))
    done = MediaChanged(act="remove", actor="test", removed=numbers)
    entry = services.journal.append(EntryKind.MEDIA, encode(done))
    assert services.changes.wait_for_entry(entry, 5)
    return made


def ask(hospital, method: str, path: str, *, who: str, with_token: bool = False, **more):
    """As a person whose password was asked for once in all these tests."""
    store = hospital.services.store_engine
    person = PEOPLE.get(who) or PEOPLE.setdefault(who, user_named(store, who))
    cookies = {
        LANGUAGE_COOKIE: "en",
        SESSION_COOKIE: open_session(store, person, now_us=now_us()),
    }
    if with_token:
        token = session_of(store, cookies[SESSION_COOKIE], now_us=now_us()).csrf
        more["data"] = {**more.get("data", {}), "csrf": token}

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=dashboard.routes(hospital.services)))
        async with httpx.AsyncClient(transport=transport, base_url=SITE, cookies=cookies) as client:
            return await client.request(method, path, **more)

    return asyncio.run(asked())


def post(hospital, path, **data):
    return ask(hospital, "POST", path, with_token=True, data=data, **OFFICER)


def registered(hospital) -> dict[str, RegisteredMedium]:
    lines = StoredMedia(hospital.services.store_engine).every(limit=1000)
    return {line.number: line for line in lines}


def upload(hospital, content: bytes, name: str = "register.csv"):
    return ask(
        hospital, "POST", "/media/import", with_token=True, data={},
        files={"file": (name, content)}, **OFFICER,
    )  # fmt: skip


def test_a_medium_that_was_seen_is_registered_with_what_its_form_holds_already(hospital):
    strangers = ask(hospital, "GET", "/media?shown=strangers", **OFFICER).text
    address = f"/media/new?key={USB.key}"
    assert address in strangers
    form = ask(hospital, "GET", address, **OFFICER).text
    values = dict(
        re.findall(r'<input class="form-control[^"]*"[^>]*name="(\w+)" value="([^"]*)"', form)
    )

    answer = post(hospital, "/media/new", **values)

    assert answer.status_code == 303
    [line] = registered(hospital).values()
    assert (line.key, line.serial, line.department) == (USB.key, USB.serial, WARDS[0][2])
    page = ask(hospital, "GET", unquote(answer.headers["location"]), **OFFICER).text
    assert WARDS[0][1] in page
    assert "in use" in page
    assert address not in ask(hospital, "GET", "/media?shown=strangers", **OFFICER).text


def test_a_line_is_changed_reported_lost_and_found_again_with_its_story(hospital):
    post(hospital, "/media/new", **LINE)
    post(hospital, "/media/R-1", step="change", **{**LINE, "owner": "李"})
    post(hospital, "/media/R-1", step="lost", reason="left in the bus")

    page = ask(hospital, "GET", "/media/R-1", **OFFICER).text
    assert registered(hospital)["R-1"].lost
    for told in ("left in the bus", "Owner, before: 王", "Found again"):
        assert told in page

    post(hospital, "/media/R-1", step="change", **{**LINE, "note": "blue"})
    assert registered(hospital)["R-1"].lost  # a change of the form does not find it
    post(hospital, "/media/R-1", step="found", reason="the driver had it")
    assert not registered(hospital)["R-1"].lost


def test_a_line_that_is_taken_out_is_gone_and_a_missing_one_is_missing(hospital):
    post(hospital, "/media/new", **LINE)
    answer = post(hospital, "/media/R-1", step="remove", reason="broken")

    assert answer.headers["location"] == "/media"
    assert registered(hospital) == {}
    assert ask(hospital, "GET", "/media/R-1", **OFFICER).status_code == 404


@pytest.mark.parametrize(
    ("path", "data", "told"),
    [
        ("/media/new", {**LINE, "serial": ""}, "key or its serial number"),
        ("/media/new", {**LINE, "expires": "soon"}, "Expires: soon is no day"),
        ("/media/R-9", {"step": "lost", "reason": ""}, "Please say why"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(hospital, path, data, told):
    post(hospital, "/media/new", **{**LINE, "number": "R-9", "serial": "S9"})

    answer = post(hospital, path, **data)

    assert answer.status_code == 400
    assert told in answer.text
    assert list(registered(hospital)) == ["R-9"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_exported_is_imported_again_as_it_was(hospital, form):
    post(hospital, "/media/new", **{**LINE, "note": "=1+1"})
    before = registered(hospital)
    content = ask(hospital, "GET", f"/media/export.{form}", **OFFICER).content
    post(hospital, "/media/R-1", step="remove", reason="again")

    answer = upload(hospital, content, f"register.{form}")

    assert "1 new, 0 changed, 0 as before." in answer.text
    assert registered(hospital) == before
    assert "register." + form in ask(hospital, "GET", "/media/R-1", **OFFICER).text


def test_a_file_in_gb18030_is_imported(hospital):
    content = "编号,序列号,责任人\r\nR-5,S5,王医生\r\n".encode("gb18030")

    assert upload(hospital, content).status_code == 200
    assert registered(hospital)["R-5"].owner == "王医生"


def test_a_file_with_a_mistake_names_the_row_and_changes_nothing(hospital):
    rows = [["number", "serial", "uses"], ["R-5", "S5", "1"], ["R-6", "S6", "often"]]

    answer = upload(hospital, csv_of(rows))

    assert answer.status_code == 400
    assert "1 mistake; nothing was taken in" in answer.text
    assert re.search(r">3</td>.*?Uses allowed: often is no whole number", answer.text)
    assert registered(hospital) == {}


def test_a_dash_for_an_owner_is_taken_in_with_a_word_on_row_and_column(hospital):
    answer = upload(hospital, csv_of([["number", "serial", "owner"], ["R-5", "S5", "-"]]))

    assert answer.status_code == 200
    assert "1 row to look at again" in answer.text
    assert re.search(r">2</td>.*?Column Owner: - names nobody", answer.text)
    assert registered(hospital)["R-5"].owner == "-"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00\x01"])
def test_a_file_that_is_no_table_is_refused(hospital, content):
    assert upload(hospital, content).status_code == 400


def test_the_list_is_searched_filtered_and_paged(hospital):
    rows = [["number", "serial", "department", "kind"]]
    rows += [[f"R-{n:03}", f"S{n}", f"ward {n % 2}", "ferry" if n == 7 else ""] for n in range(120)]
    upload(hospital, csv_of(rows))

    def numbers(query):
        return re.findall(
            r'data-row="([^"]+)"', ask(hospital, "GET", f"/media?{query}", **OFFICER).text
        )

    assert len(numbers("")) == 50
    assert numbers("page=3") == [f"R-{n:03}" for n in range(100, 120)]
    assert numbers("q=r-011") == ["R-011"]
    assert numbers("kind=ferry") == ["R-007"]
    assert len(numbers("department=ward+1&page=2")) == 10
    assert numbers("shown=lost") == []


def test_labels_are_a_page_of_their_own_with_a_code_for_each_medium(hospital):
    post(hospital, "/media/new", **LINE)

    answer = ask(hospital, "GET", "/media/labels?size=small", **OFFICER)

    assert answer.text.count("<svg") == 1
    assert "sha256-" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("who", ["duty", "auditor", "admin", "director"])
def test_everybody_reads_the_register_and_only_the_officer_writes_it(hospital, who):
    post(hospital, "/media/new", **LINE)

    assert ask(hospital, "GET", "/media/R-1", who=who).status_code == 200
    assert 'name="step"' not in ask(hospital, "GET", "/media/R-1", who=who).text
    for path in ("/media/new", "/media/R-1", "/media/import"):
        answer = ask(hospital, "POST", path, who=who, with_token=True, data=LINE)
        assert answer.status_code == 403
    assert list(registered(hospital)) == ["R-1"]


def test_a_form_of_another_site_does_nothing(hospital):
    answer = ask(
        hospital, "POST", "/media/import", data={}, files={"file": ("a.csv", b"x")}, **OFFICER
    )

    assert answer.status_code == 403


def test_hostile_labels_stay_text(hospital):
    hospital.tell(WARDS[0][0], MediumAttached(medium=STRANGE))

    page = ask(hospital, "GET", "/media?shown=strangers", **OFFICER).text

    assert "<img src=x" not in page


def test_an_export_is_a_file_to_keep(hospital):
    post(hospital, "/media/new", **LINE)
    answer = ask(hospital, "GET", "/media/export.xlsx", **OFFICER)

    assert answer.headers["content-disposition"] == 'attachment; filename="media.xlsx"'
    assert len(list(rows_of(answer.content))) == 2
