import msgspec
import pytest

from checks.facts.health import AgentHealth
from checks.facts.media import ScannerState
from collector.queries.endpoints import count_endpoints, endpoints
from collector.queries.fleet import (
    TROUBLES,
    Limits,
    fleet_troubles,
    loaded_departments,
    narrowed_to,
)
from tests.support.hospital import HOUR_US, WARDS, Hospital, health, leak, network, now_us, scanner

LIMITS = Limits(version="0.1.0", signatures_from_us=now_us() - 24 * HOUR_US)
OLD = ScannerState(
    available=True, engine="ClamAV", signatures="1", signatures_at_us=now_us() - 25 * HOUR_US
)
UNDATED = ScannerState(available=True, engine="ClamAV")
MISSING = ScannerState(available=False, reason="no socket")


def of_version(version: str) -> AgentHealth:
    return msgspec.structs.replace(health(), version=version)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    made = Hospital(tmp_path_factory.mktemp("hospital"))
    for ward, fact, version in zip(
        WARDS,
        (OLD, OLD, MISSING, UNDATED, scanner(), MISSING),
        ("0.1.0", "0.0.9", "0.0.8", "0.1.0", "0.1.0", "0.1.0"),
        strict=True,
    ):
        made.enrol(ward)
        made.tell(ward[0], network(), of_version(version), fact)
    made.tell(WARDS[0][0], leak("two_way"))
    made.tell(WARDS[1][0], leak("two_way"), leak("none"))
    yield made
    made.close()


def test_each_number_is_that_of_its_list(fleet):
    store = fleet.services.store_engine

    counted = fleet_troubles(store, LIMITS)

    assert counted == {"outdated": 2, "no_engine": 2, "old_signatures": 2}
    for trouble in TROUBLES:
        assert count_endpoints(store, narrowed_to(store, trouble, LIMITS)) == counted[trouble]


@pytest.mark.parametrize(
    ("trouble", "agents"),
    [
        ("outdated", {"jyk-004", "fsk-002"}),
        ("no_engine", {"fsk-002", "ssk-006"}),
        ("old_signatures", {"nk3-017", "jyk-004"}),
    ],
)
def test_the_list_holds_those_with_the_trouble(fleet, trouble, agents):
    store = fleet.services.store_engine

    found = endpoints(store, narrowed_to(store, trouble, LIMITS), limit=10)

    assert {each.agent for each in found} == agents


def test_departments_are_ranked_by_open_cases_and_told_per_hundred_endpoints(fleet):
    found = loaded_departments(fleet.services.store_engine, limit=1)

    assert [(each.name, each.open_cases, each.endpoints) for each in found] == [("检验科", 2, 1)]
    assert found[0].per_hundred == 200
