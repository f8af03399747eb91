"""What the pages say of an endpoint whose agent is not trusted any more, in both languages."""

import asyncio

import httpx
import pytest

from checks.wire import encode
from collector.auth import user_named
from collector.dashboard.door import LANGUAGE_COOKIE, SESSION_COOKIE
from collector.entries import EntryKind, TrustEnded
from collector.sessions import open_session
from tests.support.hospital import Hospital, now_us

WARD = ("nk3-017", "NK3-PC-017", "内科三病区", "王", "3F", "8120", "")


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path)
    made.people()
    made.enrol(WARD)
    done = TrustEnded(actor="wang", reason="stolen")
    entry = made.services.journal.append(EntryKind.TRUST, encode(done), agent="nk3-017")
    assert made.services.changes.wait_for_entry(entry, 20)
    yield made
    made.close()


def page(hospital, path: str, *, language: str) -> str:
    store = hospital.services.store_engine
    officer = user_named(store, "安全员")
    opened = open_session(store, officer, now_us=now_us())
    return asyncio.run(_asked(hospital, path, {SESSION_COOKIE: opened, LANGUAGE_COOKIE: language}))


async def _asked(hospital, path: str, cookies: dict[str, str]) -> str:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(hospital.application()),
        base_url="https://testserver",
        cookies=cookies,
    ) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize(("language", "word"), [("en", "Trust ended"), ("zh_CN", "已撤销信任")])
@pytest.mark.parametrize("path", ["/", "/endpoints?state=revoked", "/endpoints/nk3-017"])
def test_the_state_is_said(hospital, path, language, word):
    assert word in page(hospital, path, language=language)


def test_the_endpoint_s_page_says_who_did_it_and_why(hospital):
    assert "wang: stolen" in page(hospital, "/endpoints/nk3-017", language="en")


def test_no_other_state_lists_it(hospital):
    assert "NK3-PC-017" not in page(hospital, "/endpoints?state=silent", language="en")
    assert "NK3-PC-017" in page(hospital, "/endpoints?state=revoked", language="en")
