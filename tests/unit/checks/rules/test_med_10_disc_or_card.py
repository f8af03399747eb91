import msgspec
import pytest

from checks.facts.media import MediumAttached, MediumMounted, Partition
from checks.policy import Endpoint, parse_policy
from tests.samples import STICK, rules_raised

POLICY = parse_policy("""
[scanning]
stations = ["IMPORT-1", "import stations"]

[[media]]
number = "M-7"
key = "k-registered"
owner = "radiology"

[[media]]
number = "M-8"
key = "k-banned"
kind = "banned"
owner = "radiology"
""")
WARD = Endpoint(id="ward3-pc1", name="NK3-PC-017")
BY_NAME = Endpoint(id="e1", name="IMPORT-1")
BY_GROUP = Endpoint(id="e2", name="X", groups=("import stations",))


def medium(kind, key="k-new"):
    return msgspec.structs.replace(STICK, kind=kind, key=key)


def raised(kind, endpoint, key="k-new"):
    body = medium(kind, key)
    part = Partition(device="/dev/sr0", size=1, filesystem="iso9660")
    facts = (
        MediumAttached(medium=body),
        MediumMounted(medium=body, partition=part, mount_point="/media/a/CD"),
    )
    return [rule for fact in facts for rule in rules_raised(fact, policy=POLICY, endpoint=endpoint)]


@pytest.mark.parametrize("kind", ["optical", "floppy", "card"])
def test_away_from_an_import_station_these_kinds_raise_this_rule_alone(kind):
    assert raised(kind, WARD) == ["MED-10"]


@pytest.mark.parametrize("kind", ["optical", "floppy", "card", "stick", "disk"])
@pytest.mark.parametrize("station", [BY_NAME, BY_GROUP], ids=["by name", "by group"])
def test_an_import_station_takes_media_from_outside(kind, station):
    assert raised(kind, station) == []


@pytest.mark.parametrize("kind", ["optical", "floppy", "card"])
def test_a_registered_one_is_no_violation(kind):
    assert raised(kind, WARD, "k-registered") == []


@pytest.mark.parametrize("endpoint", [WARD, BY_NAME], ids=["ward", "station"])
def test_a_banned_one_is_unregistered_wherever_it_is_mounted(endpoint):
    assert raised("card", endpoint, "k-banned") == ["MED-01"]


def test_a_stick_is_not_meant():
    assert raised("stick", WARD) == ["MED-01"]
