import msgspec
import pytest

from checks.facts.network import NetworkState, UplinkDevice
from checks.finding import Severity
from tests.samples import (
    AT_HOME,
    HOME_ROUTES,
    INTRANET,
    TETHER,
    TETHER_ROUTES,
    TETHERED,
    judged,
    rules_raised,
)


def severities(fact):
    return [v.severity for v in judged(fact) if v.rule == "EXT-04"]


BARE = msgspec.structs.replace(TETHER, addresses=())


@pytest.mark.parametrize(
    ("what", "fact", "expected"),
    [
        ("nothing mobile", AT_HOME, []),
        ("with an address", TETHERED, [Severity.CRITICAL]),
        (
            "without an address or a route",
            NetworkState(links=(INTRANET, BARE), routes=HOME_ROUTES),
            [Severity.HIGH],
        ),
        (
            "with a default route but no address yet",
            NetworkState(links=(INTRANET, BARE), routes=HOME_ROUTES + TETHER_ROUTES),
            [Severity.CRITICAL],
        ),
        (
            "a modem's serial port",
            UplinkDevice(action="attached", uplink="modem", device="1bc7:0021:1"),
            [Severity.HIGH],
        ),
        (
            "the modem was taken out",
            UplinkDevice(action="detached", uplink="modem", device="1bc7:0021:1"),
            [],
        ),
    ],
)
def test_how_grave_a_mobile_uplink_is(what, fact, expected):
    assert severities(fact) == expected, what


def test_the_device_is_the_subject_before_and_after_it_connects():
    seen = UplinkDevice(action="attached", uplink="usb_tether", device=TETHER.device)

    subjects = {
        v.finding.subject for f in (seen, TETHERED) for v in judged(f) if v.rule == "EXT-04"
    }

    assert subjects == {"04e8:6863:R58"}


@pytest.mark.parametrize(
    ("what", "fact"),
    [
        ("a telephone that shares, with its default route", TETHERED),
        ("a 4G stick without a SIM", UplinkDevice(action="attached", uplink="modem", device="x")),
        (
            "a Bluetooth network",
            NetworkState(
                links=(INTRANET, msgspec.structs.replace(TETHER, kind="bluetooth")),
                routes=HOME_ROUTES + TETHER_ROUTES,
            ),
        ),
    ],
)
def test_a_mobile_uplink_is_one_rule_s_business_and_everything_else_keeps_still(what, fact):
    network = fact if isinstance(fact, NetworkState) else AT_HOME

    assert rules_raised(fact, network=network) == ["EXT-04"], what
