"""The list of endpoints: narrowed, sorted, counted by state, quick with thousands."""

import asyncio
import re

import httpx
import pytest
from sqlalchemy import insert
from starlette.applications import Starlette

from checks.wire import encode
from collector import dashboard
from collector.auth import user_named
from collector.dashboard.door import LANGUAGE_COOKIE, SESSION_COOKIE
from collector.sessions import open_session
from collector.store import schema
from tests.contract.collector.dashboard.test_door import SITE
from tests.support.hospital import HOUR_US, Hospital, health, now_us

MACHINES = 5_000
STATES = ("online", "off", "silent", "revoked")
HEALTH = encode(health()).decode()
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"), base_url=SITE)
    made.people()
    with made.services.store_engine.begin() as connection:
        connection.execute(insert(schema.endpoints), [machine(n) for n in range(MACHINES)])
        connection.execute(insert(schema.latest), [heartbeat(n) for n in range(MACHINES)])
        connection.execute(insert(schema.coverage_holes), [hole(n) for n in range(MACHINES)])
    yield made
    made.close()


def machine(n: int) -> dict[str, object]:
    return {
        "agent": f"a-{n:04}", "name": f"PC-{n * 7919 % MACHINES:04}", "host": f"pc{n}",
        "department": f"ward {n % 60}", "owner": EVIL if n == 7 else "", "zone": f"zone {n % 5}",
        "groups": [], "enrolled_us": 1, "version": "0.1.0" if n % 10 else "0.0.9",
        "last_heard_us": now_us() - n * 1_000_000, "state": STATES[n % 4], "open_cases": n % 3,
    }  # fmt: skip


def heartbeat(n: int) -> dict[str, object]:
    return {"agent": f"a-{n:04}", "kind": "agent_health", "at_us": 1, "fact": HEALTH}


def hole(n: int) -> dict[str, object]:
    begun = now_us() - 5 * HOUR_US
    return {
        "agent": f"a-{n:04}", "sensor": "*", "from_us": begun, "to_us": begun + HOUR_US,
        "cause": "off",
    }  # fmt: skip


def asked(hospital, *queries: str, language: str = "en") -> list[str]:
    store = hospital.services.store_engine
    person = user_named(store, "安全员")
    opened = open_session(store, person, now_us=now_us())
    cookies = {LANGUAGE_COOKIE: language, SESSION_COOKIE: opened}

    async def ask_all() -> list[str]:
        transport = httpx.ASGITransport(Starlette(routes=dashboard.routes(hospital.services)))
        told = []
        async with httpx.AsyncClient(transport=transport, base_url=SITE, cookies=cookies) as client:
            for query in queries:
                answer = await client.get(f"/endpoints?{query}")
                told.append(answer.text)
                assert answer.status_code == 200
        return told

    return asyncio.run(ask_all())


def rows(html: str) -> list[str]:
    return re.findall(r'data-row="([^"]+)"', html)


@pytest.mark.parametrize("query", ["", "sort=-heard&page=100", "q=PC-&state=outdated&zone=zone+0"])
def test_of_thousands_one_page_is_shown(hospital, query):
    [html] = asked(hospital, query)

    assert len(rows(html)) == 50


def test_the_counts_by_state_are_links_that_keep_the_filter(hospital):
    [html] = asked(hospital, "zone=zone+0&state=off&page=2")

    links = dict(
        re.findall(r'<a href="([^"]+)"[^>]*>[A-Z][a-z ]+ <b>(\d+)</b>', html.replace("&amp;", "&"))
    )
    assert links == {
        "/endpoints?zone=zone+0&state=online": "250",
        "/endpoints?zone=zone+0&state=off": "250",
        "/endpoints?zone=zone+0&state=silent": "250",
        "/endpoints?zone=zone+0&state=outdated": "500",
        "/endpoints?zone=zone+0&state=revoked": "250",
    }
    assert "250 endpoints" in html


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("sort=heard", "a-4999"),
        ("sort=-heard", "a-0000"),
        ("sort=name", "a-0000"),
        ("department=ward+7&sort=-heard", "a-0007"),
        ("q=pc4321&sort=name", "a-4321"),
        ("sort=%00", "a-1814"),  # silent, two cases
    ],
)
def test_the_list_is_narrowed_and_sorted(hospital, query, first):
    [html] = asked(hospital, query)

    assert rows(html)[0] == first


def test_the_heading_says_how_it_is_sorted_and_turns_it_round(hospital):
    [html] = asked(hospital, "zone=zone+1&sort=name&page=3")

    heading = re.search(r'<th aria-sort="ascending"><a href="([^"]+)">', html)
    assert heading is not None
    assert heading[1].replace("&amp;", "&") == "/endpoints?zone=zone+1&sort=-name"


def test_an_old_client_is_told_in_its_row_in_both_languages(hospital):
    for language, word in (("en", "Outdated client"), ("zh_CN", "版本过旧")):
        [html] = asked(hospital, "q=a-0010", language=language)
        assert f'<small class="ww-warn">{word}</small>' in html


@pytest.mark.parametrize(
    "query",
    ["page=99999999999", "state=%00", "zone=" + "x" * 5000, "q=%ff%fe%00", "sort=-", "department=%3Cscript%3Ealert(1)"],
)  # fmt: skip
def test_the_list_bears_any_address_and_shows_nothing_of_it_as_markup(hospital, query):
    [html] = asked(hospital, query)

    assert "<script>alert" not in html


def test_what_somebody_wrote_stays_text(hospital):
    [html] = asked(hospital, "q=a-0007")

    assert rows(html) == ["a-0007"]
    assert "<img src=x" not in html
