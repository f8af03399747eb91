import msgspec
import pytest

from checks.facts.media import MediumAttached
from tests.samples import STICK, judged, rules_raised


def attached(**changes):
    fields = {"serial": "R58M123", "vendor_id": "04e8", "product_id": "6860", **changes}
    return MediumAttached(medium=msgspec.structs.replace(STICK, **fields))


@pytest.mark.parametrize(
    ("fact", "raised"),
    [
        (attached(kind="phone"), ["MED-09"]),
        (attached(kind="camera"), ["MED-09"]),
        (attached(kind="camera", serial="4C530001", vendor_id="0951", product_id="1666"), []),
        (attached(kind="camera", serial="LOST"), ["MED-09"]),
        (attached(kind="stick"), []),
        (attached(kind="token"), []),
    ],
    ids=["phone", "camera", "registered camera", "banned camera", "stick", "token"],
)
def test_phones_and_cameras_that_nobody_registered_are_told(fact, raised):
    assert rules_raised(fact) == raised


def test_the_default_decides_on_what_is_not_registered():
    (verdict,) = judged(attached(kind="phone"))

    assert verdict.finding.decided_by == "default: not in the media register"
    assert verdict.finding.params["medium_kind"] == "phone"
