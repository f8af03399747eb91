"""The watch for unmanaged hosts over a real store, together with the judge."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from checks.facts.network import Neighbour, NeighboursSeen, NetworkState
from collector.store import schema
from collector.store.engine import open_store
from collector.unmanaged import UnmanagedWatch
from tests.contract.test_silence_watch import SECOND, Ward
from tests.fakes.batches import START_US, health, network

PRINTER = "52:54:00:aa:00:01"


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    store = open_store(tmp_path)
    schema.store.create_all(store)
    yield Ward(store)
    store.dispose()


def of_another(mac: str) -> NetworkState:
    [link] = network().links
    moved = msgspec.structs.replace(link, mac=mac)
    return NetworkState(links=(moved,), routes=network().routes)


def seen(*macs: str, interface: str = "eth0") -> NeighboursSeen:
    return NeighboursSeen(
        neighbours=tuple(
            Neighbour(address="10.20.3.99", mac=mac, interface=interface, how="arp") for mac in macs
        )
    )


def looks(ward: Ward) -> int:
    watch = UnmanagedWatch(
        journal=ward.journal, store=ward.store, policies=ward, clock=lambda: ward.now_us
    )
    said = watch.step()
    ward.judge_all()
    return said


def later(ward: Ward, seconds: float) -> None:
    ward.now_us += int(seconds * SECOND)
    ward.journal.now_us = ward.now_us


def test_a_host_that_two_witnesses_see_is_one_case_at_the_first_of_them(ward):
    ward.says("a-1", network(), seen(PRINTER))
    ward.says("a-2", of_another("52:54:00:00:00:03"), seen(PRINTER))
    assert looks(ward) == 0

    later(ward, 61)
    assert (looks(ward), looks(ward)) == (1, 0)

    [case] = ward.cases()
    assert (case.rule, case.agent, case.subject, case.severity) == (
        "EXT-13",
        "a-1",
        PRINTER,
        "high",
    )
    assert case.params["addresses"] == "10.20.3.99"


def test_enrolled_endpoints_see_each_other_and_nothing_is_said(ward):
    ward.says("a-1", network(), seen("52:54:00:00:00:03"))
    ward.says("a-2", of_another("52:54:00:00:00:03"), seen("52:54:00:00:00:02"))
    later(ward, 3600)

    assert (looks(ward), ward.cases()) == (0, [])


def test_a_host_that_is_enrolled_later_is_not_told_again(ward):
    ward.says("a-1", network(), seen(PRINTER))
    later(ward, 61)
    assert looks(ward) == 1

    ward.says("a-2", of_another(PRINTER))
    later(ward, 2 * 86400)
    ward.says("a-1", seen(PRINTER))
    later(ward, 61)

    assert looks(ward) == 0
    [case] = ward.cases()
    assert case.count == 1


def test_a_host_behind_a_link_that_is_not_of_the_intranet_is_nobodys_business(ward):
    ward.says("a-1", network(), seen(PRINTER, interface="wlan0"))
    later(ward, 3600)

    assert looks(ward) == 0


def test_a_first_day_with_five_hundred_printers_is_one_case_of_one_witness(ward):
    printers = [f"52:54:00:bb:{n // 256:02x}:{n % 256:02x}" for n in range(500)]
    ward.says("a-1", network(), seen(*printers))
    later(ward, 61)

    assert [looks(ward) for _ in range(4)] == [200, 200, 100, 0]

    [case] = ward.cases()
    assert (case.subject, case.count) == ("*", 500)
    with ward.store.connect() as reading:
        assert len(reading.execute(select(schema.alerts)).all()) == 1


def test_what_was_told_is_not_told_again_by_a_restarted_collector_or_a_rebuilt_store(ward):
    ward.says("a-1", network(), seen(PRINTER))
    later(ward, 61)
    assert looks(ward) == 1

    ward.judge.rebuild()
    ward.judge_all()

    assert looks(ward) == 0
    assert len(ward.cases()) == 1


def test_whoever_is_switched_off_is_told_apart_from_whoever_lost_only_his_agent(ward):
    ward.says("a-1", network(), health())
    watch = ward.watch()
    later(ward, 100)
    heard_us = START_US + 40 * SECOND  # before the next beat was due twice
    old = Neighbour(
        address="10.20.3.17", mac="52:54:00:00:00:02", interface="eth0", heard_us=heard_us
    )
    ward.says("a-2", of_another("52:54:00:00:00:03"), NeighboursSeen(neighbours=(old,)))
    watch.step()
    ward.judge_all()
    unwitnessed = ward.cases()
    later(ward, 60)
    ward.says("a-2", seen("52:54:00:00:00:02"))
    watch.step()
    ward.judge_all()

    [case] = ward.cases()
    assert unwitnessed == []
    assert (case.rule, case.severity, case.params["witnesses"]) == ("EXT-12", "high", "a-2")
