"""Receipts listed and revoked from a shell, over the API and on the pages; the spread."""

import json

import httpx
import pytest

from checks.facts.media import Infection, MediumAttached, MediumMounted, MediumScanned, Partition
from checks.facts.media_register import RegisteredMedium
from checks.policy import Endpoint
from checks.wire import encode
from collector.app import wall_clock
from collector.auth import add_user, create_token, user_named
from collector.cli import app
from collector.commands.opened import CommandFailed
from collector.dashboard.door import LANGUAGE_COOKIE, SESSION_COOKIE
from collector.entries import Enrolled, EntryKind, MediaChanged
from collector.sessions import open_session, session_of
from tests.samples import STICK
from tests.support.stations import Stations

PASSWORD = "correct horse ward 9"
MOUNTED = MediumMounted(medium=STICK, partition=Partition(device="sdb1", size=1), mount_point="/m")
INFECTED = MediumScanned(
    medium=STICK,
    mount_point="/m",
    verdict="infected",
    engine="ClamAV",
    infections=(Infection(signature="Eicar"),),
)


class Ward(Stations):
    """Two named endpoints, a registered stick, people and a configuration file."""

    def __init__(self, folder) -> None:
        super().__init__(folder / "state")
        self.config = folder / "collector.toml"
        self.config.write_text(f'state_dir = "{folder / "state"}"\n', "utf-8")
        self.stations = {}
        for agent, name in (("a-1", "WARD-A"), ("b-1", "WARD-B")):
            self.stations[agent] = self.station(agent)
            line = Endpoint(id=agent, name=name)
            body = encode(Enrolled(endpoint=line, host=agent, machine="m"))
            self.collector.journal.append(EntryKind.ENROLLED, body, agent=agent)
        line = RegisteredMedium(number="R-1", key=STICK.key)
        done = MediaChanged(act="register", actor="wu", lines=(line,))
        self.judged(self.collector.journal.append(EntryKind.MEDIA, encode(done)))
        self._store = self.collector.store_engine
        for name in ("officer", "duty"):
            add_user(self._store, name=name, password=PASSWORD, role=name, now_us=wall_clock())

    def api(self, method: str, path: str, *, role: str = "officer", **told) -> httpx.Response:
        token = create_token(self._store, name="script", role=role, now_us=wall_clock())
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        return self.ask(method, f"/api/v1{path}", headers=headers, **told)

    def page(self, path: str, *, who: str = "officer", language: str = "en", **data):
        person = user_named(self._store, who)
        session = open_session(self._store, person, now_us=wall_clock())
        cookies = f"{LANGUAGE_COOKIE}={language}; {SESSION_COOKIE}={session}"
        if not data:
            return self.ask("GET", path, headers={"Cookie": cookies})
        csrf = session_of(self._store, session, now_us=wall_clock()).csrf
        return self.ask("POST", path, headers={"Cookie": cookies}, data={**data, "csrf": csrf})

    def command(self, capsys, *words: str) -> str:
        app(["receipt", *words, "--config", str(self.config)], exit_on_error=False)
        return capsys.readouterr().out


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Ward(tmp_path_factory.mktemp("ward"))
    yield made
    made.close()


@pytest.fixture
def ward(made):
    """With a full receipt of A, in force, and one of B over it; nothing of other tests counts."""
    for agent in made.stations:
        made.revoke("station", agent)
    a, b = made.stations.values()
    a.tell(MediumAttached(medium=STICK))
    made.full = a.issues(a.receipt(scanned_us=wall_clock()))
    made.changed = b.issues(b.receipt(how="changed", extends=made.full.id, scanned_us=wall_clock()))
    return made


# ------------------------------------------------------------------------------ the API


def test_the_newest_receipts_are_listed_and_walked_by_cursor(ward):
    walked, cursor = [], ""
    while cursor is not None:
        path = f"/receipts?medium={STICK.key}&state=in_force&limit=1&cursor={cursor}"
        page = ward.api("GET", path).json()
        walked += page["receipts"]
        cursor = page["next"]

    assert [each["id"] for each in walked] == [ward.changed.id, ward.full.id]
    assert (walked[0]["station"], walked[0]["extends"]) == ("b-1", ward.full.id)
    assert ward.api("GET", "/receipts?medium=other").json() == {"receipts": [], "next": None}


def test_a_revocation_over_the_api_is_in_force_with_its_reason(ward):
    asked = {"what": "station", "subject": "WARD-A", "reason": "its engine was off"}
    answer = ward.api("POST", "/receipts/revocations", json=asked)

    assert answer.json() == {"what": "station", "subject": "WARD-A", "in_force": True}
    page = ward.api("GET", f"/receipts?medium={STICK.key}&limit=2").json()["receipts"]
    assert [(e["state"], e["ended_by"], e["reason"]) for e in page] == [
        ("revoked", "base", "its engine was off"),
        ("revoked", "station", "its engine was off"),
    ]
    assert page[0]["actor"] == "script"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"subject": "e" * 64, "reason": "x"}, "no receipt"),
        ({"what": "station", "subject": "nobody", "reason": "x"}, "no endpoint nobody"),
        ({"what": "signatures", "subject": "27801"}, "say why"),
        ({"what": "signatures", "reason": "x"}, "what is revoked"),
        ({"what": "everything", "reason": "x"}, "what"),
    ],
)
def test_a_revocation_that_cannot_be_is_refused_and_changes_nothing(ward, asked, told):
    refused = ward.api("POST", "/receipts/revocations", json=asked)

    assert refused.status_code == 400
    assert told in refused.json()["detail"]
    assert ward.state(ward.full) == "in_force"


def test_only_the_officer_revokes(ward):
    asked = {"subject": ward.full.id, "reason": "x"}

    assert ward.api("POST", "/receipts/revocations", role="duty", json=asked).status_code == 403
    assert ward.api("GET", "/receipts", role="duty").status_code == 200


# ---------------------------------------------------------------------------- the shell


def test_receipts_are_listed_and_revoked_from_a_shell(ward, capsys):
    listed = json.loads(ward.command(capsys, "list", "--medium", STICK.key, "--json"))
    assert [each["id"] for each in listed[:2]] == [ward.changed.id, ward.full.id]

    told = ward.command(
        capsys, "revoke", "--receipt", ward.changed.id, "--reason", "a test of the shell"
    )

    assert told == "revoked\n"
    lines = ward.command(capsys, "list").splitlines()
    assert lines[0].startswith(f"{ward.changed.id}\trevoked (receipt: a test of the shell)")
    assert lines[1].startswith(f"{ward.full.id}\tin_force\t{STICK.key}\ta-1")


def test_a_station_is_revoked_since_a_moment(ward, capsys):
    words = ("revoke", "--station", "WARD-A", "--reason", "x")
    ward.command(capsys, *words, "--since", "2999-01-01T00:00:00+00:00")
    assert ward.state(ward.full) == "in_force"

    ward.command(capsys, *words, "--since", "2020-01-01T00:00:00+00:00")
    assert ward.state(ward.full) == "revoked"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--receipt", "r", "--station", "s"),
        ("--receipt", "r"),
        ("--signatures", "1", "--since", "2020-01-01T00:00:00+00:00"),
        ("--station", "a-1", "--since", "2020-01-01T00:00:00"),
    ],
)
def test_a_command_that_cannot_be_says_so(ward, capsys, words):
    with pytest.raises(CommandFailed):
        ward.command(capsys, "revoke", "--reason", "x", *words)


# ---------------------------------------------------------------------------- the pages


def test_the_page_of_a_medium_shows_the_chain_in_both_languages(ward):
    page = ward.page("/media/R-1").text

    for told in ("in force", "scanned whole", "changed files scanned", "WARD-B", "27801"):
        assert told in page
    assert f"extends {ward.full.id[:16]}" in page
    chinese = ward.page("/media/R-1", language="zh_CN").text
    for told in ("查杀凭证", "全盘查杀", "撤销", "病毒库 27801"):
        assert told in chinese


def test_the_officer_revokes_on_the_page_and_must_say_why(ward):
    refused = ward.page("/media/R-1/receipts", receipt=ward.full.id, what="receipt", reason="")
    assert refused.status_code == 400
    assert "Please say why" in refused.text
    assert ward.state(ward.full) == "in_force"

    done = ward.page("/media/R-1/receipts", receipt=ward.full.id, reason="<b>lost</b> for a day")

    assert done.status_code == 303
    page = ward.page("/media/R-1").text
    assert "what it extends was revoked" in page
    assert "&lt;b&gt;lost&lt;/b&gt; for a day" in page


def test_others_see_receipts_and_cannot_revoke_them(ward):
    assert "/receipts" not in ward.page("/media/R-1", who="duty").text
    refused = ward.page("/media/R-1/receipts", who="duty", receipt=ward.full.id, reason="x")
    assert refused.status_code == 403


def test_a_form_without_the_sessions_token_revokes_nothing(ward):
    person = user_named(ward.collector.store_engine, "officer")
    session = open_session(ward.collector.store_engine, person, now_us=wall_clock())
    answer = ward.ask(
        "POST",
        "/media/R-1/receipts",
        headers={"Cookie": f"{SESSION_COOKIE}={session}"},
        data={"receipt": ward.full.id, "reason": "x"},
    )

    assert answer.status_code == 403
    assert ward.state(ward.full) == "in_force"


# --------------------------------------------------------------------------- the spread


def test_where_malware_is_found_the_case_lists_the_other_endpoint_with_a_link(ward):
    a, b = ward.stations.values()
    a.tell(MOUNTED)
    b.tell(MOUNTED, INFECTED)

    [case] = ward.api("GET", "/cases?rule=MED-05").json()["cases"]
    assert case["endpoint"]["id"] == "b-1"
    assert "also used at WARD-A" in json.dumps(case)
    page = ward.page(f"/cases/{case['id']}").text
    assert "Also used at, since its last clean scan" in page
    assert '<a class="ww-item-link" href="/endpoints/a-1">' in page
    chinese = ward.page(f"/cases/{case['id']}", language="zh_CN").text
    assert "自上次查杀干净以来，该介质还用于 WARD-A" in chinese
    assert ward.state(ward.changed) == "doubted"
    assert "malware was found on the medium afterwards" in ward.page("/media/R-1").text
