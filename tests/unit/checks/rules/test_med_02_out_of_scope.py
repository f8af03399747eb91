from datetime import date

import msgspec
import pytest

from checks.facts.media import MediumAttached, MediumMounted, Partition
from checks.facts.media_register import MediumStanding, RegisteredMedium
from tests.samples import DAY_US, ENDPOINT, NOW_US, STICK, judged, rules_raised

LINE = RegisteredMedium(number="R-1", key="k1", owner="ward 3")
MOUNTED = MediumMounted(
    medium=STICK, partition=Partition(device="/dev/sdb1", size=1), mount_point="/media/a/KEYS"
)
ATTACHED = MediumAttached(medium=STICK)
AT_NOON_US = NOW_US - NOW_US % DAY_US + 4 * 3600 * 1_000_000  # 12:00 in Shanghai, a Wednesday
HERE = ENDPOINT.department


def raised(fact, **line):
    entry = msgspec.structs.replace(LINE, **line)
    return rules_raised(fact, standing=MediumStanding(key="k1", entry=entry), at_us=AT_NOON_US)


@pytest.mark.parametrize(
    ("what", "line", "rules"),
    [
        ("no scope at all", {}, []),
        ("this department", {"departments": (HERE,)}, []),
        ("another department", {"departments": ("检验科",)}, ["MED-02"]),
        ("this endpoint by name", {"endpoints": (ENDPOINT.name,)}, []),
        ("this endpoint by id", {"endpoints": (ENDPOINT.id,)}, []),
        ("another endpoint", {"endpoints": ("other",)}, ["MED-02"]),
        ("either is enough", {"endpoints": ("other",), "departments": (HERE,)}, []),
        ("another zone", {"zones": ("office",)}, ["MED-02"]),
        ("within its hours", {"hours": "mon-fri 07:00-19:00"}, []),
        ("outside its hours", {"hours": "19:00-07:00"}, ["MED-02"]),
        ("its last day", {"expires": date(2026, 11, 18)}, []),
        ("ended", {"expires": date(2026, 11, 17)}, ["MED-02"]),
        ("lost", {"lost": True}, ["MED-02"]),
        ("banned is MED-01", {"kind": "banned"}, ["MED-01"]),
    ],
)
def test_where_and_when_a_registered_medium_may_be_used(what, line, rules):
    assert raised(MOUNTED, **line) == rules, what


@pytest.mark.parametrize(("before", "rules"), [(0, []), (2, []), (3, ["MED-02"]), (9, ["MED-02"])])
def test_a_medium_for_three_uses_may_be_used_three_times(before, rules):
    entry = msgspec.structs.replace(LINE, uses=3)

    standing = MediumStanding(key="k1", entry=entry, uses=before)

    assert rules_raised(MOUNTED, standing=standing) == rules


def test_a_lost_medium_is_told_as_soon_as_it_is_plugged_in():
    assert raised(ATTACHED, lost=True) == ["MED-02"]
    assert raised(ATTACHED, departments=("检验科",)) == []


def test_the_answer_about_another_medium_says_nothing():
    other = MediumStanding(key="k2", entry=msgspec.structs.replace(LINE, lost=True))

    assert rules_raised(MOUNTED, standing=other) == []  # by the policy's own line M-1


def test_the_finding_names_the_line_and_its_scope():
    entry = msgspec.structs.replace(LINE, endpoints=("pc-1",), departments=("检验科",))

    [verdict] = judged(MOUNTED, standing=MediumStanding(key="k1", entry=entry))

    assert verdict.finding.decided_by == "media register R-1"
    assert verdict.finding.params["scope"] == "pc-1, 检验科"
