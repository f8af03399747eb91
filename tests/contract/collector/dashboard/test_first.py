"""What the first page says of the mails, in both languages."""

import asyncio

import httpx
import msgspec
import pytest
from sqlalchemy import insert
from starlette.applications import Starlette

from collector import dashboard
from collector.auth import user_named
from collector.dashboard.door import LANGUAGE_COOKIE, SESSION_COOKIE
from collector.sessions import open_session
from collector.store import schema
from tests.support.hospital import HOUR_US, Hospital, now_us


@pytest.fixture
def hospital(tmp_path):
    made = Hospital(tmp_path)
    made.people()
    yield made
    made.close()


def waits(hospital, *, since_us: int, error: str = "") -> None:
    row = {
        "key": "1",
        "case": "c",
        "occasion": "first",
        "created_us": since_us,
        "recipients": ["duty@hospital.example"],
        "state": "waiting",
        "next_try_us": 0,
        "error": error,
    }
    with hospital.services.store_engine.begin() as connection:
        connection.execute(insert(schema.alerts).values(row))


def first_page(hospital, *, language: str = "en", mails: bool = True) -> str:
    services = msgspec.structs.replace(hospital.services, mails=mails)
    officer = user_named(services.store_engine, "安全员")
    opened = open_session(services.store_engine, officer, now_us=now_us())
    cookies = {SESSION_COOKIE: opened, LANGUAGE_COOKIE: language}
    return asyncio.run(_asked(services, cookies))


async def _asked(services, cookies) -> str:
    application = Starlette(routes=dashboard.routes(services))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application),
        base_url="https://testserver",
        cookies=cookies,
    ) as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    return answer.text


def test_an_empty_outbox_says_that_no_delivery_fails(hospital):
    assert "No delivery fails" in first_page(hospital)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Nothing is mailed: no mail server is set"),
        ("zh_CN", "不发送邮件：未设置邮件服务器"),
    ],
)
def test_without_a_mail_server_it_says_that_nothing_is_mailed(hospital, language, said):
    waits(hospital, since_us=now_us() - 3 * HOUR_US)

    page = first_page(hospital, language=language, mails=False)

    assert said in page
    assert "No delivery fails" not in page
    assert "投递正常" not in page


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "the oldest waits for 3 h"), ("zh_CN", "最早的一封已等待 3 小时")],
)
def test_a_mail_that_waits_is_told_with_since_when(hospital, language, said):
    waits(hospital, since_us=now_us() - 3 * HOUR_US - 1)

    page = first_page(hospital, language=language)

    assert said in page
    assert "No delivery fails" not in page


def test_a_mail_that_waits_for_a_reason_is_told_with_the_server_s_words(hospital):
    waits(hospital, since_us=now_us(), error="450 mailbox busy")

    assert "450 mailbox busy" in first_page(hospital)
