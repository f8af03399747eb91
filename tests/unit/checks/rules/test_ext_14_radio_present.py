import pytest

from checks.facts.radios import Radio, RadioState
from checks.policy import Endpoint, parse_policy
from tests.samples import judged, rules_raised

POLICY = parse_policy('[wireless]\nwired_only = [{ departments = ["收费处"] }]\n')
TILL = Endpoint(id="till", department="收费处")
OFF = Radio(kind="bluetooth", device="hci0", description="usb btusb")


def test_a_blocked_radio_names_itself():
    [verdict] = judged(RadioState(radios=(OFF,)), policy=POLICY, endpoint=TILL)

    assert verdict.rule == "EXT-14"
    assert verdict.finding.subject == "hci0"
    assert verdict.finding.params == {"device": "usb btusb", "radio": "bluetooth"}


@pytest.mark.parametrize(
    ("what", "radios", "endpoint", "raised"),
    [
        ("no radio", (), TILL, []),
        ("two that are off", (OFF, Radio(kind="wifi", device="phy0")), TILL, ["EXT-14", "EXT-14"]),
        ("off where radios may be", (OFF,), Endpoint(id="laptop", department="内科"), []),
    ],
)
def test_what_is_present(what, radios, endpoint, raised):
    fact = RadioState(radios=radios)

    assert rules_raised(fact, policy=POLICY, endpoint=endpoint) == raised, what
