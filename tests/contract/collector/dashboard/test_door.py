"""Who comes in, and by which door."""

import asyncio
import re

import httpx
import pytest
from starlette.applications import Starlette

from collector import dashboard
from collector.auth import user_named
from collector.dashboard.door import LANGUAGE_COOKIE, SESSION_COOKIE, own_path
from collector.sessions import open_session
from tests.support.hospital import WARDS, Hospital, now_us, outside, started

SITE = "https://testserver"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    made.enrol(WARDS[0])
    made.tell(WARDS[0][0], started(), outside())
    yield made
    made.close()


def ask(hospital, method: str, path: str, *, who: str = "", language: str = "en", **more):
    cookies = {LANGUAGE_COOKIE: language, **more.pop("cookies", {})}
    if who:
        store = hospital.services.store_engine
        person = user_named(store, who)
        cookies[SESSION_COOKIE] = open_session(store, person, now_us=now_us())

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=dashboard.routes(hospital.services)))
        async with httpx.AsyncClient(transport=transport, base_url=SITE, cookies=cookies) as client:
            if method == "POST" and more.pop("with_token", False):
                form = await client.get("/cases")
                token = re.search(r'name="csrf"[^>]*value="([^"]+)"', form.text)
                assert token
                more["data"] = {**more.get("data", {}), "csrf": token[1]}
            return await client.request(method, path, **more)

    return asyncio.run(asked())


@pytest.mark.parametrize("path", ["/", "/cases", "/endpoints", "/policy", "/rules", "/unseen"])
def test_a_stranger_is_led_to_the_login_and_back(hospital, path):
    answer = ask(hospital, "GET", path)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next={path}"


def test_a_part_of_a_page_is_not_replaced_by_the_login(hospital):
    answer = ask(hospital, "GET", "/cases", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["hx-refresh"]) == (401, "true")


def test_a_stranger_hears_no_changes(hospital):
    assert ask(hospital, "GET", "/live").status_code == 401


def test_a_role_sees_its_own_pages_only(hospital):
    assert ask(hospital, "GET", "/policy", who="安全员").status_code == 200
    assert ask(hospital, "GET", "/policy", who="admin").status_code == 403


def test_a_form_of_another_site_does_nothing(hospital):
    elsewhere = {"Origin": "https://evil.example"}

    answer = ask(hospital, "POST", "/cases", who="安全员", headers=elsewhere, with_token=True)

    assert answer.status_code == 403
    assert "not from this site" in answer.text


def test_a_form_without_its_token_does_nothing(hospital):
    answer = ask(
        hospital, "POST", "/cases", who="安全员", headers={"Origin": SITE}, data={"a": "b"}
    )

    assert answer.status_code == 403


def test_no_page_is_kept_or_framed(hospital):
    headers = ask(hospital, "GET", "/", who="安全员").headers

    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("/cases?state=closed", "/cases?state=closed"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_after_the_login_one_stays_on_this_site(address, own):
    assert own_path(address) == own
