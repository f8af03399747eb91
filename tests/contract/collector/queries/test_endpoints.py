"""Endpoints as pages and scripts ask for them."""

import pytest

from checks.facts.health import AgentHealth
from collector.queries.endpoints import (
    EndpointFilter,
    count_by_state,
    count_endpoints,
    departments,
    endpoint_named,
    endpoints,
    holes_of,
    latest_facts,
    older_versions,
    sorted_by,
    troubled_first,
    zones,
)
from tests.support.hospital import WARDS, now_us

ALL = EndpointFilter()


def test_endpoints_are_read_page_by_page_in_the_order_of_their_ids(read):
    first = endpoints(read, ALL, limit=4)
    second = endpoints(read, ALL, limit=4, after=first[-1].agent)

    assert [one.agent for one in first + second] == sorted(ward[0] for ward in WARDS)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EndpointFilter(department="检验科"), ["jyk-004"]),
        (EndpointFilter(text="ct 室"), ["fsk-002"]),
        (EndpointFilter(text="FSK-ws"), ["fsk-002"]),
        (EndpointFilter(text="_"), []),
        (EndpointFilter(state="silent"), []),
        (EndpointFilter(zone="nowhere"), []),
        (EndpointFilter(zone="业务内网", text="icu"), ["icu-001"]),
        (EndpointFilter(state="outdated"), []),
        (EndpointFilter(state="outdated", older=("0.1.0",), text="icu"), ["icu-001"]),
    ],
)
def test_a_filter_narrows(read, wanted, found):
    assert [one.agent for one in endpoints(read, wanted, limit=50)] == found
    assert count_endpoints(read, wanted) == len(found)


def test_without_a_filter_all_are_counted(read):
    assert count_endpoints(read, ALL) == len(WARDS)


def test_states_are_counted_whichever_is_asked_for(read):
    wanted = EndpointFilter(state="off", older=("0.1.0",))

    assert count_by_state(read, wanted) == {
        "online": len(WARDS),
        "off": 0,
        "silent": 0,
        "outdated": len(WARDS),
        "revoked": 0,
    }


@pytest.mark.parametrize("order", ["state", "name", "department", "owner", "version", "heard"])
def test_a_list_is_sorted_either_way_and_paged(read, order):
    there = [one.agent for one in sorted_by(read, ALL, order, limit=50)]
    back = [one.agent for one in sorted_by(read, ALL, f"-{order}", limit=50)]
    second = [one.agent for one in sorted_by(read, ALL, order, limit=2, offset=2)]

    assert sorted(there) == sorted(back) == sorted(ward[0] for ward in WARDS)
    assert second == there[2:4]


def test_names_and_cases_are_in_their_order(read):
    names = [one.registered.name for one in sorted_by(read, ALL, "-name", limit=50)]
    cases = [one.open_cases for one in sorted_by(read, ALL, "cases", limit=50)]

    assert names == sorted(names, reverse=True)
    assert cases == sorted(cases)


def test_by_an_order_that_is_none_those_in_trouble_come_first(read):
    assert sorted_by(read, ALL, "agent; drop", limit=50) == troubled_first(read, ALL, limit=50)


@pytest.mark.parametrize(
    ("than", "older"),
    [("0.1.0", ()), ("0.1.1", ("0.1.0",)), ("0.10", ("0.1.0",)), ("0.1.0rc1", ()), ("?", ())],
)
def test_versions_are_compared_number_by_number(read, than, older):
    assert older_versions(read, than) == older


def test_every_zone_is_named_once(read):
    assert zones(read) == ["业务内网"]


def test_those_with_open_cases_come_first(read):
    counts = [one.open_cases for one in troubled_first(read, ALL, limit=50)]

    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 0
    assert len(troubled_first(read, ALL, limit=50, offset=2)) == len(WARDS) - 2


def test_an_endpoint_is_its_line_in_the_register(read):
    found = endpoint_named(read, "icu-001")

    assert found is not None
    assert (found.registered.clinical, found.registered.owner) == ("life_support", "何雨桐")
    assert endpoint_named(read, "nobody") is None


def test_what_an_endpoint_last_said_is_known_by_kind(read):
    known = latest_facts(read, "icu-001")

    health = known["agent_health"].fact
    assert isinstance(health, AgentHealth)
    assert {"network", "agent_health", "scanner"} <= set(known)
    assert health.sensors[0].state == "off"
    assert latest_facts(read, "nobody") == {}


def test_holes_are_those_that_touch_the_span(read):
    day_us = 86_400_000_000
    of_today = holes_of(read, "icu-001", from_us=now_us() - day_us, to_us=now_us())
    overrun = next(hole for hole in of_today if hole.cause == "overrun")

    assert (overrun.sensor, overrun.lost) == ("connections", 412)
    assert overrun not in holes_of(read, "icu-001", from_us=overrun.to_us, to_us=now_us() + 1)
    assert holes_of(read, "icu-001", from_us=0, to_us=1) == []


def test_every_department_is_named_once(read):
    assert departments(read) == sorted({ward[2] for ward in WARDS})


def test_all_endpoints_are_counted_without_a_filter(read):
    assert count_endpoints(read, EndpointFilter()) == len(WARDS)
