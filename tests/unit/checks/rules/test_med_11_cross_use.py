import msgspec
import pytest

from checks.facts.media import MediumMounted, Partition
from checks.facts.media_register import MediumStanding, RegisteredMedium, Whereabouts
from checks.policy import parse_policy
from tests.samples import ENDPOINT, STICK, judged, rules_raised

POLICY = parse_policy("""
[[zones]]
name = "ward"
prefixes = ["10.20.0.0/16"]
[[zones]]
name = "theatre"
prefixes = ["10.21.0.0/16"]
[[zones]]
name = "office internet"
prefixes = ["10.99.0.0/16"]
side = "external"
""")
LINE = RegisteredMedium(number="R-1", key="k1", owner="ward 3")
MOUNTED = MediumMounted(
    medium=STICK, partition=Partition(device="/dev/sdb1", size=1), mount_point="/media/a/KEYS"
)


def place(endpoint, zone, last_us=10, **more):
    return Whereabouts(endpoint=endpoint, zone=zone, last_us=last_us, **more)


OWN = ENDPOINT.id
OFFICE = place("office-pc", "office internet", 20)


def raised(*seen, zone="ward", kind="plain"):
    entry = msgspec.structs.replace(LINE, kind=kind)
    endpoint = msgspec.structs.replace(ENDPOINT, zone=zone)
    standing = MediumStanding(key="k1", entry=entry, seen=seen)
    return rules_raised(MOUNTED, standing=standing, policy=POLICY, endpoint=endpoint)


@pytest.mark.parametrize(
    ("what", "seen", "zone", "kind", "rules"),
    [
        ("never elsewhere", [], "ward", "plain", []),
        ("from outside", [OFFICE], "ward", "plain", ["MED-11"]),
        ("to outside", [place("pc-2", "theatre")], "office internet", "plain", ["MED-11"]),
        ("between two inside", [place("pc-2", "theatre")], "ward", "plain", []),
        ("a ferry", [OFFICE], "ward", "ferry", []),
        ("internal, outside", [], "office internet", "internal", ["MED-11"]),
        ("outside before last", [place("pc-2", "theatre", 30), OFFICE], "ward", "plain", []),
        ("here since", [place(OWN, "ward", 30), OFFICE], "ward", "plain", []),
        (
            "back here from outside",
            [place(OWN, "ward", 30, before_us=15, here=True), OFFICE],
            "ward",
            "plain",
            ["MED-11"],
        ),
        ("from a zone that nobody knows", [place("pc-9", "attic")], "ward", "plain", []),
        ("in a zone that nobody knows", [OFFICE], "", "plain", []),
    ],
)
def test_which_uses_cross(what, seen, zone, kind, rules):
    assert raised(*seen, zone=zone, kind=kind) == rules, what


def test_an_unregistered_medium_that_crosses_is_both():
    endpoint = msgspec.structs.replace(ENDPOINT, zone="ward")
    standing = MediumStanding(key="k1", seen=(OFFICE,))

    found = judged(MOUNTED, standing=standing, policy=POLICY, endpoint=endpoint)

    assert [verdict.rule for verdict in found] == ["MED-01", "MED-11"]
    assert found[1].finding.decided_by == "default: no ferry record"
