import msgspec
import pytest

from checks.facts.network import Address, Link, NetworkState, Route, Wifi
from checks.facts.radios import Radio, RadioState
from checks.finding import Severity
from checks.policy import Endpoint, parse_policy
from tests.samples import HOME_ROUTES, INTRANET, POLICY_TEXT, judged, rules_raised

POLICY = parse_policy(
    POLICY_TEXT
    + """
[wireless]
listed = [{ ssid = "ward", bssids = ["02:00:5E"], authentication = "802.1x" }]
wired_only = [{ groups = ["cashiers"] }]
"""
)
WARD = Wifi(mode="station", ssid="ward", bssid="02:00:5e:00:00:01", authentication="802.1x")
CASHIER = Endpoint(id="till", groups=("cashiers",))
NEAR = Link(
    index=5,
    name="wlan0",
    kind="wifi",
    up=True,
    carrier=True,
    wifi=WARD,
    addresses=(Address(address="192.168.43.7", prefix_length=24),),
)
OUT = (Route(destination="0.0.0.0/0", interface="wlan0", gateway="192.168.43.1", metric=600),)


def connected(**wifi):
    link = msgspec.structs.replace(NEAR, wifi=msgspec.structs.replace(WARD, **wifi))
    return NetworkState(links=(INTRANET, link), routes=HOME_ROUTES + OUT)


def away(**wifi):
    whole = connected(**wifi)
    return NetworkState(links=whole.links[1:], routes=OUT)


@pytest.mark.parametrize(
    ("what", "state", "raised"),
    [
        ("a listed network whose address is not planned", connected(), ["EXT-03"]),
        ("another name", connected(ssid="guest"), ["EXT-05"]),
        ("the listed name from a foreign access point", connected(bssid="0a:00:00:00:00:01"), ["EXT-05"]),
        ("the listed name without its authentication", connected(authentication="open"), ["EXT-05"]),
        ("not connected", connected(ssid="", bssid="", authentication=""), ["EXT-03"]),
        ("a laptop on its Wi-Fi at home", away(ssid="home"), []),
        ("an access point, listed or not", connected(mode="access_point"), ["EXT-05"]),
        ("an access point away from the intranet", away(mode="access_point"), ["EXT-05"]),
    ],
)  # fmt: skip
def test_which_wireless_links_are_a_violation(what, state, raised):
    assert rules_raised(state, network=state, policy=POLICY) == raised, what


def test_a_wired_only_endpoint_may_not_be_on_wireless_anywhere():
    state = away(ssid="home")

    assert rules_raised(state, network=state, policy=POLICY, endpoint=CASHIER) == ["EXT-05"]


def test_without_a_list_the_ways_of_the_address_plan_count():
    policy = parse_policy(
        POLICY_TEXT.replace(
            "via = [\n", 'via = [\n  { interface = "wifi", gateway = "192.168.43.1" },\n'
        ).replace("prefixes = [", 'prefixes = ["192.168.43.0/24", ')
    )
    state = connected(ssid="unnamed")

    assert rules_raised(state, network=state, policy=policy) == []


@pytest.mark.parametrize(
    ("mode", "severity"), [("station", Severity.HIGH), ("access_point", Severity.CRITICAL)]
)
def test_sharing_is_graver_than_joining(mode, severity):
    [verdict] = judged(connected(mode=mode, ssid="guest"), policy=POLICY)

    assert (verdict.severity, verdict.finding.subject) == (severity, "wlan0")


PHY = Radio(kind="wifi", device="phy0", description="pci iwlwifi", enabled=True)


@pytest.mark.parametrize(
    ("what", "radio", "endpoint", "raised"),
    [
        ("enabled where none may be", PHY, CASHIER, [("EXT-05", Severity.MEDIUM)]),
        ("off where none may be", msgspec.structs.replace(PHY, enabled=False), CASHIER, [("EXT-14", Severity.LOW)]),
        ("a modem is EXT-04", msgspec.structs.replace(PHY, kind="modem"), CASHIER, []),
        ("enabled where it may be", PHY, Endpoint(id="laptop"), []),
    ],
)  # fmt: skip
def test_which_radios_are_a_violation(what, radio, endpoint, raised):
    verdicts = judged(RadioState(radios=(radio,)), policy=POLICY, endpoint=endpoint)

    assert [(v.rule, v.severity) for v in verdicts] == raised, what
