"""Hosts of the segments on the page, over the API, and from a shell, over the real judge."""

import asyncio
import tomllib
from collections.abc import Iterator

import httpx
import pytest

from checks.facts.network import Neighbour, NeighboursSeen
from checks.policy import parse_policy
from collector.auth import user_named
from collector.dashboard.door import LANGUAGE_COOKIE, SESSION_COOKIE
from collector.judging.segment import HostRecord
from collector.queries.hosts import entry_for, hosts
from collector.sessions import open_session
from tests.support.hospital import POLICY, WARDS, Hospital, network, now_us

STRANGER, PUMP = "52:54:00:aa:00:01", "00:1b:2c:00:00:01"
HOSTILE = '"]\n[[zones]]<script>alert(1)</script>'


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Iterator[Hospital]:
    made = Hospital(tmp_path_factory.mktemp("hospital"))
    made.people()
    for ward in WARDS[:2]:
        made.enrol(ward)
    witness = WARDS[0][0]
    [intranet] = made.services.policies.current().plan.intranet_links(network())
    made.tell(
        witness,
        network(),
        NeighboursSeen(
            neighbours=(
                Neighbour(
                    address="10.20.3.99",
                    mac=STRANGER,
                    interface=intranet.name,
                    how="arp",
                    name=HOSTILE,
                ),
                Neighbour(address="", mac=PUMP, interface=intranet.name, how="dhcp", name="pump"),
            )
        ),
    )
    yield made
    made.close()


def asked(hospital: Hospital, path: str, **more) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(hospital.application())
        async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as client:
            client.cookies.update(more.pop("cookies", {}))
            return await client.get(path, **more)

    return asyncio.run(ask())


def page(hospital: Hospital, path: str, language: str = "zh_CN") -> str:
    store = hospital.services.store_engine
    officer = user_named(store, "安全员")
    opened = open_session(store, officer, now_us=now_us())
    answer = asked(hospital, path, cookies={SESSION_COOKIE: opened, LANGUAGE_COOKIE: language})
    assert answer.status_code == 200
    return answer.text


def test_the_page_shows_strangers_with_who_heard_them_and_entries_to_paste(hospital):
    chinese, english = page(hospital, "/hosts"), page(hospital, "/hosts", "en")

    assert STRANGER in chinese
    assert "未登记" in chinese
    assert "not enrolled" in english
    assert f"/endpoints/{WARDS[0][0]}" in chinese
    assert "[[hosts]]" in chinese
    assert "<script>alert" not in chinese


def test_the_page_narrows_to_a_standing_and_to_a_text(hospital):
    assert "没有符合条件的主机" in page(hospital, "/hosts?standing=known")
    assert PUMP not in page(hospital, "/hosts?q=10.20.3.99").partition("<textarea")[0]


def test_the_api_lists_them_page_by_page_with_the_entry_that_would_make_each_known(hospital):
    headers = {"Authorization": f"Bearer {hospital.token('officer')}"}

    first = asked(hospital, "/api/v1/hosts?limit=1", headers=headers).json()
    second = asked(
        hospital, f"/api/v1/hosts?limit=1&cursor={first['next']}", headers=headers
    ).json()
    none = asked(hospital, "/api/v1/hosts?standing=known", headers=headers).json()

    found = {host["mac"]: host for host in (*first["hosts"], *second["hosts"])}
    assert set(found) == {STRANGER, PUMP}
    assert (second["next"], none["hosts"]) == (None, [])
    assert found[STRANGER]["addresses"] == ["10.20.3.99"]
    assert found[STRANGER]["witnesses"] == [WARDS[0][0]]
    assert found[PUMP]["entry"] == '[[hosts]]\nname = "pump"\nmacs = ["00:1b:2c:00:00:01"]\n'


def test_the_entry_of_a_hostile_name_is_one_entry_and_makes_the_host_known(hospital):
    store = hospital.services.store_engine
    records = [host.record for host in hosts(store, hospital.services.policies.current())]
    text = POLICY + "\n" + "\n".join(entry_for(record) for record in records)

    read = parse_policy(text)

    assert len(read.hosts) == 2
    assert len(read.zones) == len(parse_policy(POLICY).zones)
    assert {host.standing for host in hosts(store, read)} == {"known"}


def test_a_host_that_asks_for_its_address_is_entered_without_one():
    record = HostRecord(mac=PUMP, addresses=("fe80::1", "10.20.3.7"), how=("arp",))
    asking = HostRecord(mac=PUMP, addresses=("10.20.3.7",), how=("dhcp", "arp"))

    assert tomllib.loads(entry_for(record))["hosts"] == [
        {"name": PUMP, "macs": [PUMP], "addresses": ["10.20.3.7"]}
    ]
    assert "addresses" not in entry_for(asking)
